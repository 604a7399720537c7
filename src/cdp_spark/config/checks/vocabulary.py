"""The names that a configuration may use: columns of records and profiles, attributes and purposes.

The tables are a layer above; a test holds their catalogue against these names.
"""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.config.mapping import BUILT_IN_TYPES
from cdp_spark.config.source import Meaning

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cdp_spark.config.checks.files import ProjectFiles
    from cdp_spark.config.expressions import Kind

MEANINGS: tuple[str, ...] = typing.get_args(Meaning)
OWN_PREFIX = "attributes."
"""How survivorship names an own attribute: `attributes.loyalty_tier`."""

_KINDS: dict[str, Kind] = {c.BIRTH_DATE: "date", c.EMPLOYEES: "long", c.REVENUE: "double"}

SURVIVING_ATTRIBUTES: dict[str, Kind] = {
    name: _KINDS.get(name, "string") for name in MEANINGS if name not in (c.FULL_NAME, c.ADDRESS)
}
"""Attributes that a profile has one value of."""

RECORD_COLUMNS: dict[str, Kind] = {
    **SURVIVING_ATTRIBUTES,
    c.FULL_NAME: "string",
    c.COMPANY_CORE: "string",
    c.EMAILS: "strings",
    c.PHONES: "strings",
}
"""Attributes of a record that blocking and comparisons can use."""

PROFILE_COLUMNS: dict[str, Kind] = {
    c.UNIFIED_ID: "string",
    c.ENTITY_TYPE: "string",
    **SURVIVING_ATTRIBUTES,
    c.EMAILS: "strings",
    c.PHONES: "strings",
    c.ATTRIBUTES: "string_map",
    c.SOURCES: "strings",
    c.RECORD_COUNT: "long",
    c.FIRST_SEEN_AT: "timestamp",
    c.LAST_SEEN_AT: "timestamp",
    c.CONSENTS: "string_map",
}
"""Columns of a profile that segments and destinations can use."""

ACCOUNT = "account."
"""How the columns of a person's primary account begin."""
ACCOUNT_KEY = f"{ACCOUNT}id"
ACCOUNT_OWN = f"{ACCOUNT}attributes."
"""Own attributes of an account, such as `account.attributes.owner`."""

ACCOUNT_COLUMNS: dict[str, Kind] = {
    ACCOUNT_KEY: "string",
    **{f"{ACCOUNT}{name}": kind for name, kind in SURVIVING_ATTRIBUTES.items() if name not in (c.EMAIL, c.PHONE)},
}
"""What segments of persons and destinations can ask of the primary account, beside its own attributes."""

RELATION_COLUMNS: dict[str, Kind] = {
    c.PEOPLE_COUNT: "long",
    c.HOUSEHOLD_ID: "string",
    c.HOUSEHOLD_SIZE: "long",
}
"""Columns that segments can use beside a profile's own: of persons, but `people_count`, which is of accounts."""

DERIVED_COLUMNS: dict[str, tuple[str, ...]] = {
    c.GIVEN_NAME: (c.FULL_NAME,),
    c.MIDDLE_NAME: (c.FULL_NAME,),
    c.FAMILY_NAME: (c.FULL_NAME,),
    c.NAME_SUFFIX: (c.FULL_NAME, c.FAMILY_NAME),
    c.FULL_NAME: (c.GIVEN_NAME, c.FAMILY_NAME),
    c.STREET: (c.ADDRESS,),
    c.HOUSE_NUMBER: (c.ADDRESS, c.STREET),
    c.UNIT: (c.ADDRESS, c.STREET),
    c.CITY: (c.ADDRESS,),
    c.POSTCODE: (c.ADDRESS,),
    c.REGION: (c.ADDRESS,),
    c.COUNTRY: (c.ADDRESS,),
    c.DOMAIN: (c.EMAIL,),
    c.COMPANY_CORE: (c.COMPANY_NAME,),
    c.LEGAL_FORM: (c.COMPANY_NAME,),
    c.REVENUE_CURRENCY: (c.REVENUE,),
    c.EMAILS: (c.EMAIL,),
    c.PHONES: (c.PHONE,),
}
"""Column to the meanings that it is filled from when it is not mapped itself."""


def own_name(name: str) -> str | None:
    """The own attribute that a name such as `attributes.loyalty_tier` stands for; None for any other name."""
    return name.removeprefix(OWN_PREFIX) if name.startswith(OWN_PREFIX) else None


def account_columns(own: Iterable[str]) -> dict[str, Kind]:
    """List the columns of a primary account, those of its own attributes included.

    Args:
        own: attributes that the sources define themselves.
    """
    return {**ACCOUNT_COLUMNS, **dict.fromkeys((f"{ACCOUNT_OWN}{name}" for name in own), "string")}


def identifier_types(files: ProjectFiles) -> list[str]:
    """List the types of identifiers: those that every project has, and the project's own."""
    return [*BUILT_IN_TYPES, *(files.settings.value.identifiers if files.settings else ())]


def own_attributes(files: ProjectFiles) -> list[str]:
    """List the attributes that the sources define themselves; an own type of identifier is one, too."""
    attributes = {name for source in files.sources for name in source.value.attributes}
    return sorted(attributes | {*own_identifiers(files)})


def own_identifiers(files: ProjectFiles) -> list[str]:
    """List the project's own types of identifiers that a source of records has."""
    borne = {kind for it in files.sources if it.value.kind == "records" for kind in it.value.identifiers}
    return sorted(borne - {*BUILT_IN_TYPES})


def provided_columns(files: ProjectFiles, entity_type: str) -> set[str]:
    """List the record columns that some source of an entity type fills."""
    mapped: set[str] = set()
    for source in files.sources:
        if source.value.entity_type == entity_type:
            mapped.update(source.value.columns, source.value.attributes, source.value.identifiers)
    return mapped | {name for name, origins in DERIVED_COLUMNS.items() if mapped.intersection(origins)}
