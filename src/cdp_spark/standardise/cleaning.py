"""The one way from a source's cells to clean attributes and identifiers: `clean_rows`.

1. `cells.py` sorts the cells by meaning, clean and dictionary-encoded.
2. Each group of attributes (names, codes, places, companies, contact points, identifiers) is read by the functions of
   `normalise`, once a distinct value, or once a distinct combination where an attribute depends on several. A group
   gives values, the reasons of those that cannot be used, and identifiers.
3. Reasons become `value_issues`, identifiers one list a row; an attribute that no group gives is null.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.normalise.batches import (
    as_lists,
    decode,
    encode,
    join_lists,
    map_distinct,
    map_fields,
    map_row_fields,
    without_cycle_search,
)
from cdp_spark.normalise.dates import read_birth_date
from cdp_spark.normalise.identifiers import read_identifier
from cdp_spark.normalise.people import companies, places
from cdp_spark.normalise.people.addresses import AddressLine, read_street, split_address
from cdp_spark.normalise.people.codes import read_gender, read_national_id
from cdp_spark.normalise.people.names import full_name, read_full_name, read_name, read_suffix, split_full_name
from cdp_spark.normalise.placeholders import said, text_issue
from cdp_spark.standardise.cells import Batch, Memo, Texts, read_texts
from cdp_spark.standardise.contacts import IDENTIFIER, Contacts, read_emails, read_phones

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from cdp_spark.normalise.outcome import Normal
    from cdp_spark.standardise.mapping import RawMapping

MAX_AGE_YEARS = 120
_TEXT = pa.string()
_ADDRESS_PARTS = (c.STREET, c.HOUSE_NUMBER, c.UNIT, c.CITY, c.POSTCODE, c.REGION, c.COUNTRY)
ATTRIBUTE_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys((c.GIVEN_NAME, c.MIDDLE_NAME, c.FAMILY_NAME, c.NAME_SUFFIX, c.FULL_NAME), _TEXT),
    c.BIRTH_DATE: pa.date32(),
    **dict.fromkeys((c.GENDER, c.EMAIL, c.PHONE, *_ADDRESS_PARTS, c.NATIONAL_ID), _TEXT),
    **dict.fromkeys((c.COMPANY_NAME, c.COMPANY_CORE, c.JOB_TITLE, c.DOMAIN, c.REGISTRATION_NUMBER, c.INDUSTRY), _TEXT),
    c.EMPLOYEES: pa.int64(),
    c.REVENUE: pa.float64(),
    **dict.fromkeys((c.REVENUE_CURRENCY, c.LEGAL_FORM, c.OWNER, c.PARENT_ACCOUNT), _TEXT),
    c.EMAILS: pa.list_(_TEXT),
    c.PHONES: pa.list_(_TEXT),
    c.ATTRIBUTES: pa.map_(_TEXT, _TEXT),
    c.VALUE_ISSUES: pa.list_(_TEXT),
}
"""The columns of `records` that cleaning makes, in the table's order."""


@dataclass(frozen=True)
class Group:
    """What reading a group of attributes gives.

    Args:
        values: attribute to one value a row.
        reasons: attribute to why its value cannot be used, in the order in which a record lists them.
        issues: lists of a row's issues, written out.
        identifiers: lists of a row's identifiers.
        own: usable values of the project's own types of identifiers.
    """

    values: dict[str, pa.Array] = field(default_factory=dict)
    reasons: dict[str, pa.Array] = field(default_factory=dict)
    issues: tuple[pa.Array, ...] = ()
    identifiers: tuple[pa.Array, ...] = ()
    own: dict[str, pa.Array] = field(default_factory=dict)


def clean_rows(
    cell: Callable[[str], pa.Array | None],
    rows: int,
    mapping: RawMapping,
    *,
    as_of: date,
    max_age_years: int | None = MAX_AGE_YEARS,
    memo: Memo | None = None,
) -> pa.Table:
    """Clean rows of one source.

    Args:
        cell: gives a source's column as text; None where the delivery has none.
        rows: how many.
        mapping: what the columns mean.
        as_of: today.
        max_age_years: years; an older birth date is invalid. None for historical data.
        memo: keeps results from one batch to the next; new ones are added to it.
    Returns: one row a row given: the columns of `ATTRIBUTE_TYPES`, and `identifiers`.
    """
    batch = Batch(cell, rows, mapping, as_of, max_age_years, {} if memo is None else memo)
    with without_cycle_search():
        return _clean(batch)


def _clean(batch: Batch) -> pa.Table:
    rows = batch.rows
    texts = read_texts(batch)
    emails = read_emails(batch, texts.get(c.EMAIL_SHA256))
    phones = read_phones(batch, texts.get(c.COUNTRY))
    groups = [
        _read_names(batch, texts),
        _read_codes(batch, texts),
        _read_places(batch, texts),
        _read_companies(batch, texts),
        *map(_contact_group, (emails, phones)),
        _read_identifiers(batch, texts),
    ]
    values = {name: value for group in groups for name, value in group.values.items()}
    domains = [domain for domain in (values.get(c.DOMAIN), emails.domain) if domain is not None]
    if domains:
        values[c.DOMAIN] = pc.coalesce(*domains)
    values[c.ATTRIBUTES] = _own_attributes(batch, {kind: it for group in groups for kind, it in group.own.items()})
    values[c.VALUE_ISSUES] = _joined([it for group in groups for it in _issue_lists(group)], pa.list_(_TEXT), rows)
    columns = {name: values[name] if name in values else _empty(kind, rows) for name, kind in ATTRIBUTE_TYPES.items()}
    identifiers = _joined([it for group in groups for it in group.identifiers], pa.list_(IDENTIFIER), rows)
    return pa.table({**columns, c.IDENTIFIERS: identifiers})


def _contact_group(contacts: Contacts) -> Group:
    lists = [() if it is None else (it,) for it in (contacts.issues, contacts.identifiers)]
    return Group(contacts.values, issues=lists[0], identifiers=lists[1])


def _empty(kind: pa.DataType, rows: int) -> pa.Array:
    return _joined([], kind, rows) if pa.types.is_list(kind) else pa.nulls(rows, kind)


def _joined(lists: Sequence[pa.Array], kind: pa.DataType, rows: int) -> pa.Array:
    if not lists:
        offsets = pa.array(np.zeros(rows + 1, dtype=np.int32))
        return pa.ListArray.from_arrays(offsets, pa.array([], kind.value_type))
    return lists[0] if len(lists) == 1 else join_lists(lists)


def _issue_lists(group: Group) -> list[pa.Array]:
    """A row's issues as `field:reason`; most fields have none in a whole batch."""
    lists = [
        as_lists(pc.binary_join_element_wise(name, reasons, ":"))
        for name, reasons in group.reasons.items()
        if reasons.null_count < len(reasons)
    ]
    return [*lists, *group.issues]


def _read(
    batch: Batch, text: pa.DictionaryArray, function: Callable[[str], Normal], kind: pa.DataType = _TEXT
) -> tuple[pa.Array, pa.Array]:
    """Read one attribute: its usable values, and the reasons of the others."""

    def parts(value: str) -> tuple[Any, str | None]:
        result, reason = function(value)
        return (result, None) if reason is None else (None, reason)

    values, reasons = map_fields(text, parts, (kind, _TEXT), memo=batch.remembered(function))
    return values, reasons


def _read_all(batch: Batch, texts: Texts, readers: Mapping[str, Callable[[str], Any]]) -> Group:
    found = {
        name: _read(batch, texts[name], function, ATTRIBUTE_TYPES[name])
        for name, function in readers.items()
        if name in texts
    }
    return Group({name: value for name, (value, _) in found.items()}, {name: why for name, (_, why) in found.items()})


def _read_names(batch: Batch, texts: Texts) -> Group:
    """Names in their parts; a full name fills only the parts that are missing."""
    values, reasons, suffixes = {}, {}, []
    if c.NAME_SUFFIX in texts:
        suffixes.append(map_distinct(texts[c.NAME_SUFFIX], read_suffix, memo=batch.remembered(read_suffix)))
    for name in (c.GIVEN_NAME, c.MIDDLE_NAME, c.FAMILY_NAME, c.FULL_NAME):
        if name in texts:
            suffixed = name != c.MIDDLE_NAME
            read = partial(read_full_name) if name == c.FULL_NAME else partial(read_name, suffixed=suffixed)
            memo = batch.remembered(read.func, suffixed)
            values[name], suffix, reasons[name] = map_fields(texts[name], read, (_TEXT, _TEXT, _TEXT), memo=memo)
            suffixes.append(suffix)
    if not suffixes:
        return Group()
    values[c.NAME_SUFFIX] = pc.coalesce(*suffixes)
    names = values | _split_names(batch, values) if c.FULL_NAME in values else values
    parts = (names[name].to_pylist() if name in names else [None] * batch.rows for name in _FULL_NAME)
    names[c.FULL_NAME] = pa.array(map(full_name, *parts), _TEXT)
    return Group(names, reasons)


_FULL_NAME = (c.FULL_NAME, c.GIVEN_NAME, c.MIDDLE_NAME, c.FAMILY_NAME)


def _split_names(batch: Batch, values: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    """Fill given, middle and family name from the full name where the given or the family name is missing."""
    nulls = pa.nulls(batch.rows, _TEXT)
    names = {name: values.get(name, nulls) for name in _FULL_NAME[1:]}
    is_partial = pc.or_(names[c.GIVEN_NAME].is_null(), names[c.FAMILY_NAME].is_null())
    full = pc.if_else(is_partial, values[c.FULL_NAME], None)
    split = map_fields(full, split_full_name, (_TEXT,) * 3, memo=batch.remembered(split_full_name))
    return {name: pc.coalesce(value, found) for (name, value), found in zip(names.items(), split, strict=True)}


def _read_codes(batch: Batch, texts: Texts) -> Group:
    """Birth date, gender and national id, which is an identifier even where it cannot be used."""
    formats, limits = batch.mapping.birth_date_formats, (batch.as_of, batch.max_age_years)
    group = _read_all(batch, texts, {c.GENDER: read_gender})
    values, reasons, identifiers = {}, {}, []
    if c.BIRTH_DATE in texts:
        read = partial(read_birth_date, formats=formats, as_of=batch.as_of, max_age_years=batch.max_age_years)
        memo = batch.remembered(read_birth_date, formats, limits)
        values[c.BIRTH_DATE], reasons[c.BIRTH_DATE] = map_fields(
            texts[c.BIRTH_DATE], read, (pa.date32(), _TEXT), memo=memo
        )
    values, reasons = values | group.values, reasons | group.reasons
    if c.NATIONAL_ID in texts:
        memo = batch.remembered(read_national_id)
        given, why = map_fields(texts[c.NATIONAL_ID], read_national_id, (_TEXT, _TEXT), memo=memo)
        values[c.NATIONAL_ID], reasons[c.NATIONAL_ID] = pc.if_else(why.is_null(), given, None), why
        identifiers.append(_identifier_lists(c.NATIONAL_ID, given, why))
    return Group(values, reasons, identifiers=tuple(identifiers))


def _read_places(batch: Batch, texts: Texts) -> Group:
    """The parts of the address; a line fills only those that have no value of their own."""
    given = texts | _parts_of_line(batch, texts) if c.ADDRESS in texts else texts
    group = _read_all(
        batch, given, {c.CITY: places.read_city, c.REGION: places.read_region, c.COUNTRY: places.read_country}
    )
    values, reasons = dict(group.values), dict(group.reasons)
    street = [name for name in _ADDRESS_PARTS[:3] if name in given]
    if street:
        found = _read_streets(batch, {name: given[name] for name in street})
        values, reasons = values | found.values, reasons | found.reasons
    if c.POSTCODE in given:
        countries = values.get(c.COUNTRY, pa.nulls(batch.rows, _TEXT))
        values[c.POSTCODE], reasons[c.POSTCODE] = _read_postcodes(batch, given[c.POSTCODE], countries)
    return Group(values, {name: reasons[name] for name in _ADDRESS_PARTS if name in reasons})


def _parts_of_line(batch: Batch, texts: Texts) -> Texts:
    names = AddressLine._fields
    memo = batch.remembered(split_address)
    parts = map_fields(texts[c.ADDRESS], split_address, (_TEXT,) * len(names), memo=memo)
    found = dict(zip(names, parts, strict=True))
    filled = {name: pc.coalesce(decode(texts[name]), part) if name in texts else part for name, part in found.items()}
    return {name: encode(part) for name, part in filled.items() if part.null_count < len(part)}


def _read_streets(batch: Batch, given: Texts) -> Group:
    """Street, house number and unit, each of which may be a placeholder before they are read together."""
    reasons = {name: map_distinct(text, text_issue) for name, text in given.items()}
    usable = [given[name] for name in given]
    read = _street_reader(tuple(given))
    memo = batch.remembered(read_street, tuple(given))
    parts = map_row_fields(usable, read, (_TEXT,) * 3, memo=memo)
    return Group(dict(zip(_ADDRESS_PARTS[:3], parts, strict=True)), reasons)


def _street_reader(names: Sequence[str]) -> Callable[..., tuple[str | None, ...]]:
    def read(*texts: str | None) -> tuple[str | None, ...]:
        parts = {
            name: text for name, text in zip(names, texts, strict=True) if text is not None and text_issue(text) is None
        }
        return read_street(parts.get(c.STREET), parts.get(c.HOUSE_NUMBER), parts.get(c.UNIT))

    return read


def _read_postcodes(batch: Batch, text: pa.DictionaryArray, countries: pa.Array) -> tuple[pa.Array, pa.Array]:
    region = batch.mapping.default_region

    def read(postcode: str | None, country: str | None) -> Sequence[str | None]:
        return places.read_postcode(postcode, country, region) if postcode is not None else (None, None)

    memo = batch.remembered(places.read_postcode, region)
    values, reasons = map_row_fields([text, countries], read, (_TEXT, _TEXT), memo=memo)
    return values, reasons


_COMPANY_READERS: dict[str, Callable[[str], Any]] = {
    c.COMPANY_NAME: companies.read_company_name,
    c.JOB_TITLE: companies.read_text,
    c.INDUSTRY: companies.read_text,
    c.DOMAIN: companies.read_domain,
    c.REGISTRATION_NUMBER: companies.read_registration_number,
    c.EMPLOYEES: companies.read_count,
    c.REVENUE: companies.read_figure,
    c.REVENUE_CURRENCY: companies.read_currency,
    c.LEGAL_FORM: companies.read_legal_form,
    c.OWNER: companies.read_owner,
    c.PARENT_ACCOUNT: companies.read_text,
}


def _read_companies(batch: Batch, texts: Texts) -> Group:
    """What a column of its own does not say of legal form and currency, the name and the revenue do."""
    group = _read_all(batch, texts, _COMPANY_READERS)
    told: dict[str, pa.Array] = {}
    if c.COMPANY_NAME in group.values:
        memo = batch.remembered(companies.split_company_name)
        split = map_fields(group.values[c.COMPANY_NAME], companies.split_company_name, (_TEXT, _TEXT), memo=memo)
        told[c.COMPANY_CORE], told[c.LEGAL_FORM] = split
    if c.REVENUE in texts:
        memo = batch.remembered(companies.currency_of_figure)
        told[c.REVENUE_CURRENCY] = map_distinct(texts[c.REVENUE], companies.currency_of_figure, memo=memo)
    said = {name: pc.coalesce(group.values[name], it) if name in group.values else it for name, it in told.items()}
    values = {**group.values, **said}
    if c.REVENUE_CURRENCY in values:
        nothing = values[c.REVENUE].is_null() if c.REVENUE in values else pa.scalar(True)
        values[c.REVENUE_CURRENCY] = pc.if_else(nothing, None, values[c.REVENUE_CURRENCY])
    return Group(values, group.reasons)


def _read_identifiers(batch: Batch, texts: Texts) -> Group:
    """All identifiers other than contact points; hashed e-mails are read with the e-mails."""
    lists = []
    own = {}
    forms = batch.mapping.forms
    for kind in batch.mapping.other_identifiers:
        if kind in texts and kind != c.EMAIL_SHA256:
            read, memo = partial(read_identifier, kind, forms=forms), batch.remembered(read_identifier, kind)
            values, reasons = map_fields(texts[kind], read, (_TEXT, _TEXT), memo=memo)
            lists.append(_identifier_lists(kind, values, reasons))
            own[kind] = pc.if_else(reasons.is_null(), values, None)
    usable = {kind: own[kind] for kind in batch.mapping.own_identifiers if kind in own}
    return Group(identifiers=tuple(lists), own=usable)


def _identifier_lists(kind: str, values: pa.Array, reasons: pa.Array) -> pa.Array:
    kinds = pa.array([kind]).take(pa.array(np.zeros(len(values), dtype=np.int32)))
    found = pa.StructArray.from_arrays([kinds, values, reasons], fields=list(IDENTIFIER), mask=values.is_null())
    return as_lists(found)


def _own_attributes(batch: Batch, identifiers: Mapping[str, pa.Array]) -> pa.Array:
    """The source's own attributes and types of identifiers, those that say something, in order of their names."""
    entry = pa.struct([("key", _TEXT), ("value", _TEXT)])
    lists = []
    for name in sorted({*batch.mapping.attributes, *identifiers}):
        cells = batch.cell(batch.mapping.attributes[name]) if name in batch.mapping.attributes else None
        values = map_distinct(cells, said, memo=batch.remembered(said)) if cells is not None else identifiers.get(name)
        if values is not None and values.null_count < len(values):
            names = pa.array([name]).take(pa.array(np.zeros(len(values), dtype=np.int32)))
            entries = pa.StructArray.from_arrays([names, values], fields=list(entry), mask=values.is_null())
            lists.append(as_lists(entries))
    entries = _joined(lists, pa.list_(entry), batch.rows)
    return pa.MapArray.from_arrays(entries.offsets, *entries.values.flatten())
