"""Everything known about one profile, as the newest release shows it or as it was at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.cli.relations import describe_relations
from cdp_spark.errors import DataError, StateError
from cdp_spark.identity.frames_tables import resolve_id
from cdp_spark.identity.terms import ERASURE, LIVE
from cdp_spark.normalise.hashing import record_key
from cdp_spark.normalise.identifiers import searched_identifiers
from cdp_spark.profiles.history import holds_at, profile_at
from cdp_spark.runs.releases import current_release
from cdp_spark.tables.catalog import (
    CONSENTS,
    ID_REGISTRY,
    IDENTIFIERS,
    PROFILE_HISTORY,
    PROFILE_VALUES,
    PROFILES,
    RECORDS,
    SEGMENT_MEMBERS,
    UNIFIED_EVENTS,
    UNIFIED_IDS,
)
from cdp_spark.tables.consents import build_contact_points

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql import Column, DataFrame

    from cdp_spark.runs.releases import Release
    from cdp_spark.tables.spec import TableSpec
    from cdp_spark.tables.store import Store

_SHOW = "cdp profile show"
NAMES = "a record such as crm:K2001, a unified ID, an e-mail address or a phone with its country code"
_SPELLING = "check its spelling"
_NEAR, _NEAREST = 2, 3
"""Letters by which a record's id may differ from what was typed, and how many such records are named."""
_EVENTS = 5
_NO_REGION = "ZZ"
"""Phones are looked up with their country code."""
_RECORD_COLUMNS = (
    c.SOURCE,
    c.SOURCE_RECORD_ID,
    c.OBSERVED_AT,
    c.FULL_NAME,
    c.BIRTH_DATE,
    c.EMAIL,
    c.PHONE,
    c.STREET,
    c.HOUSE_NUMBER,
    c.CITY,
    c.POSTCODE,
    c.COMPANY_NAME,
    c.RECORD_KEY,
)


@dataclass(frozen=True)
class ReleasedWarehouse:
    """The warehouse as a release shows it.

    Args:
        store: the warehouse.
        release: whose versions of the gold tables are read.
    """

    store: Store
    release: Release

    @classmethod
    def newest(cls, store: Store) -> ReleasedWarehouse:
        """At the newest release.

        Raises:
            StateError: nothing was published yet.
        """
        return cls(store, current_release(store))

    def read(self, spec: TableSpec) -> DataFrame:
        """A gold table at the release."""
        return self.release.read(self.store, spec)


def find_ids(
    warehouse: ReleasedWarehouse, id_or_email: str, *, command: str = _SHOW, at: datetime | None = None
) -> list[str]:
    """Find the ids that a unified id, a record, an e-mail or a phone stands for: of a merged one the id that lives.

    Args:
        warehouse: where to look.
        id_or_email: what is asked for: a record as `crm:K2001`, an e-mail in any spelling of its mailbox, a phone with
            its country code.
        command: that asks, for messages.
        at: an id that had a profile of its own then stands for itself, whatever became of it.

    Raises:
        DataError: no profile has it.
    """
    asked = id_or_email.strip()
    if is_contact_point(asked):
        is_borne = F.col(c.RECORD_KEY).isin(find_bearers(warehouse.store, asked))
        borne = warehouse.read(UNIFIED_IDS).where(is_borne).select(c.UNIFIED_ID)
        ids = [row[c.UNIFIED_ID] for row in borne.distinct().orderBy(c.UNIFIED_ID).collect()]
    elif ":" in asked:
        ids = _ids_of_record(warehouse, asked)
    elif at is not None and not _history_at(warehouse, at).where(F.col(c.UNIFIED_ID) == asked).isEmpty():
        ids = [asked]
    else:
        ids = [_survivor(warehouse, asked, command=command)]
    if not ids:
        raise DataError(command, got="an e-mail address or phone that no profile has", fix="check its spelling")
    return ids


def _ids_of_record(warehouse: ReleasedWarehouse, title: str) -> list[str]:
    source, _, own_id = title.partition(":")
    own = F.col(c.RECORD_KEY) == record_key(source, own_id)
    rows = warehouse.read(UNIFIED_IDS).where(own).select(c.UNIFIED_ID).distinct().collect()
    if not rows:
        raise unknown_record(warehouse.store, title)
    return [row[0] for row in rows]


def unknown_record(store: Store, text: str) -> DataError:
    """Say that no record is called so, with those that are called nearly so."""
    if is_contact_point(text):
        return DataError("record", got="an e-mail address or phone that no record has", allowed=NAMES, fix=_SPELLING)
    source, _, own_id = text.rpartition(":")
    distance = F.levenshtein(F.lower(c.SOURCE_RECORD_ID), F.lit(own_id.lower()))
    apart = F.when(F.col(c.SOURCE) == source, 0).otherwise(1)
    near = store.read(RECORDS).where(distance <= min(len(own_id) // 3, _NEAR))
    nearest = near.orderBy(distance, apart, c.SOURCE, c.SOURCE_RECORD_ID).limit(_NEAREST)
    names = [f"{row[0]}:{row[1]}" for row in nearest.select(c.SOURCE, c.SOURCE_RECORD_ID).collect()]
    fix = f"Did you mean {' or '.join(names)}?" if names else f"Use {NAMES}."
    return DataError("record", got=f"{text}, which no record has", fix=fix, said=f'No record "{text}". {fix}')


def is_contact_point(text: str) -> bool:
    """Tell whether a text is meant as an e-mail address, or as a phone number with its country code."""
    return "@" in text or (text.startswith("+") and any(map(str.isdigit, text)))


def find_bearers(store: Store, contact_point: str) -> list[str]:
    """Find the records that have a mailbox, in whatever spelling, or a phone number; their keys in order.

    Args:
        store: the warehouse.
        contact_point: an e-mail address, or a phone with its country code.
    """
    kind = c.EMAIL if "@" in contact_point else c.PHONE
    searched = searched_identifiers(kind, contact_point, region=_NO_REGION)
    values = pa.array([value for of, value in searched if of == kind], pa.string())
    only = {c.TYPE: pa.array([kind]), c.VALUE: values}
    return sorted(store.fetch(IDENTIFIERS, (c.RECORD_KEY,), only=only)[c.RECORD_KEY].to_pylist())


def _survivor(warehouse: ReleasedWarehouse, unified_id: str, *, command: str) -> str:
    """Follow merges to the id that lives."""
    try:
        resolved = resolve_id(warehouse.read(ID_REGISTRY), unified_id)
    except StateError:
        got, allowed = f"{unified_id}, never issued", "a unified ID, a record such as crm:K2001 or an e-mail address"
        raise DataError(command, got=got, allowed=allowed, fix="check its spelling") from None
    if resolved.status != LIVE:
        end = resolve_id(warehouse.read(ID_REGISTRY), resolved.resolved_id).cause
        fix = "nothing is left of it" if end == ERASURE else "`cdp profile show --at TIME` shows it as it was"
        raise DataError(command, got=f"{unified_id}, closed ({end})", fix=fix)
    return resolved.resolved_id


def describe_profile(warehouse: ReleasedWarehouse, unified_id: str, *, at: datetime | None) -> dict[str, Any]:
    """A profile with its segments, consents, relations, source records and the origin of its values.

    Args:
        warehouse: where to look.
        unified_id: a live one.
        at: for the values and segments of then; relations, records and values' origin are those of now.

    Raises:
        DataError: the profile did not exist at that time.
    """
    own = F.col(c.UNIFIED_ID) == unified_id
    profile = (warehouse.read(PROFILES) if at is None else _history_at(warehouse, at)).where(own)
    rows = profile.collect()
    if not rows:
        got = f"{unified_id}, which had no profile" + (f" at {at.isoformat()}" if at else "")
        raise DataError("cdp profile show", got=got, fix="omit --at, or choose a later time")
    records = _dicts(_records(warehouse, own))
    return {
        c.UNIFIED_ID: unified_id,
        c.RELEASE: warehouse.release.number,
        "at": at,
        "profile": {name: value for name, value in rows[0].asDict().items() if value not in (None, [], {})},
        "segments": [row[c.SEGMENT] for row in _segments(warehouse, own, at).collect()],
        "consents": _dicts(_consents(warehouse, profile)),
        **describe_relations(warehouse, unified_id, entity_type=rows[0][c.ENTITY_TYPE]),
        "records": records,
        "events": _dicts(_last_events(warehouse, own, at)),
        "values": _titled(
            _dicts(warehouse.read(PROFILE_VALUES).where(own).drop(c.UNIFIED_ID).orderBy(c.ATTRIBUTE)), records
        ),
    }


def _titled(values: list[dict[str, Any]], records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Name the record of each value as people do: `crm:K2001`."""
    titles = {it[c.RECORD_KEY]: f"{it[c.SOURCE]}:{it[c.SOURCE_RECORD_ID]}" for it in records}
    return [it | {"record": titles.get(it[c.RECORD_KEY])} for it in values]


def _history_at(warehouse: ReleasedWarehouse, at: datetime) -> DataFrame:
    return profile_at(warehouse.read(PROFILE_HISTORY), at)


def _segments(warehouse: ReleasedWarehouse, own: Column, at: datetime | None) -> DataFrame:
    then = F.col(c.EXITED_AT).isNull() if at is None else holds_at(F.lit(at), c.ENTERED_AT, c.EXITED_AT)
    return warehouse.read(SEGMENT_MEMBERS).where(own & then).select(c.SEGMENT).distinct().orderBy(c.SEGMENT)


def _consents(warehouse: ReleasedWarehouse, profile: DataFrame) -> DataFrame:
    points = build_contact_points(profile).select(c.CONTACT_POINT_HASH)
    given = warehouse.store.read(CONSENTS).join(points, on=c.CONTACT_POINT_HASH, how="left_semi")
    names = (c.CONTACT_POINT_TYPE, c.PURPOSE, c.STATUS, c.SOURCE, c.GIVEN_AT, c.CONTACT_POINT_HASH)
    return given.select(*names).orderBy(c.PURPOSE, c.CONTACT_POINT_HASH, c.GIVEN_AT, c.SOURCE)


def _records(warehouse: ReleasedWarehouse, own: Column) -> DataFrame:
    keys = warehouse.read(UNIFIED_IDS).where(own).select(c.RECORD_KEY)
    records = warehouse.store.read(RECORDS).join(keys, on=c.RECORD_KEY, how="left_semi")
    return records.select(*_RECORD_COLUMNS).orderBy(c.SOURCE, c.SOURCE_RECORD_ID)


def _last_events(warehouse: ReleasedWarehouse, own: Column, at: datetime | None) -> DataFrame:
    events = warehouse.read(UNIFIED_EVENTS).where(own if at is None else own & (F.col(c.OCCURRED_AT) <= F.lit(at)))
    return (
        events.orderBy(F.desc(c.OCCURRED_AT), c.EVENT_KEY).limit(_EVENTS).select(c.OCCURRED_AT, c.SOURCE, c.EVENT_TYPE)
    )


def _dicts(rows: DataFrame) -> list[dict[str, Any]]:
    return [row.asDict() for row in rows.collect()]
