"""An audience from the release's tables, with all columns that a destination sends, and what it depends on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cdp_spark.activation.audiences.audience import build_audience, build_members
from cdp_spark.activation.audiences.hold_out import experiments_of, has_ended, with_held_out
from cdp_spark.config.insights.wide_columns import IDENTIFIER
from cdp_spark.normalise.identifiers import searched_identifiers
from cdp_spark.normalise.keyed_hashing import keyed_hash
from cdp_spark.tables.catalog import CONSENTS, EXPERIMENT_ASSIGNMENTS, PROFILES, SEGMENT_MEMBERS, SUPPRESSIONS
from cdp_spark.tables.consents import build_contact_point_consents
from cdp_spark.tables.increments.basis import checksum, newest_version_of
from cdp_spark.tables.spec import TableKind
from cdp_spark.tables.suppressions import read_suppression_list
from cdp_spark.tables.wide import tables_of, with_wide_columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame

    from cdp_spark.config.destination import AnyDestination
    from cdp_spark.config.project import Project
    from cdp_spark.normalise.keyed_hashing import SuppressionList
    from cdp_spark.tables.run import RunContext
    from cdp_spark.tables.spec import TableSpec
    from cdp_spark.tables.store import Store


def read_audience(context: RunContext, destination: AnyDestination) -> DataFrame:
    """The members of a destination's segments, with what is to be sent of them and why some are withheld.

    Consents and suppressions are read as they are now.
    """
    members = context.read_released(SEGMENT_MEMBERS)
    profiles = build_members(context.read_released(PROFILES), members, destination=destination)
    wide = with_wide_columns(
        profiles, asked_columns(destination), read=partial(_read, context), insights=context.project.insights
    )
    audience = build_audience(
        wide,
        members,
        build_contact_point_consents(context.store.read(CONSENTS)),
        destination=destination,
        policy=context.project.settings.consent,
        is_suppressed=suppression_test(context.store, context.project),
    )
    return with_held_out(audience, context, destination)


def asked_columns(destination: AnyDestination) -> frozenset[str]:
    """The columns that an audience needs: those that are sent, and the contact points whose consent counts."""
    is_identifier = destination.contact_point in ("cookie_id", "device_id")
    return destination.read_columns | ({f"{IDENTIFIER}{destination.contact_point}"} if is_identifier else set())


def inputs_checksum(context: RunContext, destination: AnyDestination) -> float:
    """Checksum of what decides about an export: tables of the release, consents and suppressions now, the settings."""
    specs = (PROFILES, SEGMENT_MEMBERS, *tables_of(asked_columns(destination)))
    versions = [_version(context, spec) for spec in specs]
    if experiments_of(context, destination):
        versions += [_version(context, EXPERIMENT_ASSIGNMENTS), int(has_ended(context, destination))]
    now = [newest_version_of(context.store, spec) for spec in (CONSENTS, SUPPRESSIONS)]
    settings = [destination.model_dump(mode="json"), context.project.settings.consent.model_dump(mode="json")]
    return checksum([versions, now, *settings])


def _version(context: RunContext, spec: TableSpec) -> int | None:
    if spec.kind is TableKind.GOLD:
        return context.base_versions.get(spec.name)
    return newest_version_of(context.store, spec)


def _read(context: RunContext, spec: TableSpec) -> DataFrame:
    return context.read_released(spec) if spec.kind is TableKind.GOLD else context.store.read(spec)


def suppression_test(store: Store, project: Project) -> Callable[[str, str], bool] | None:
    """Make what tells whether a contact point, by its kind and value, is on the suppression list; None for no list."""
    found = read_suppression_list(store, project)
    return None if found is None else partial(_is_on, found, project.settings.default_region)


def _is_on(suppressions: SuppressionList, region: str, kind: str, value: str) -> bool:
    """Tell whether a contact point is on the list, by any of the identifiers that it is."""
    pairs = searched_identifiers(kind, value, region=region, forms=suppressions.forms)
    return any(keyed_hash(*pair, key=suppressions.key) in suppressions.hashes for pair in pairs)
