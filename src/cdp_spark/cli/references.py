"""From what somebody types to the records that it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.identifiers.links import linking_types
from cdp_spark.clustering.kinds import PERSON, VISITOR
from cdp_spark.errors import ConfigError, DataError
from cdp_spark.explain.pairs.facts import RecordName, only_one_type
from cdp_spark.identity.terms import MOVED_KEY
from cdp_spark.labelling.links import ordered
from cdp_spark.normalise.hashing import record_key
from cdp_spark.runs.releases import latest_release
from cdp_spark.tables.catalog import ID_CHANGES, RECORDS, UNIFIED_IDS
from cdp_spark.view.find import find_bearers, find_identified, find_ids, is_contact_point, nearest_records
from cdp_spark.view.warehouse import ReleasedWarehouse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column

    from cdp_spark.config.match import EntityMatch
    from cdp_spark.config.project import Project
    from cdp_spark.labelling.links import Pair
    from cdp_spark.tables.store import Store

ALLOWED = "a record such as crm:K2001, a unified ID, an e-mail address or a phone with its country code"
_NAMED = (c.RECORD_KEY, c.SOURCE, c.SOURCE_RECORD_ID, c.ENTITY_TYPE)
_SHOWN = 5


def find_records(store: Store, reference: str) -> tuple[RecordName, ...]:
    """The records that a reference stands for, by record_key; several for a unified id or an e-mail address.

    Raises:
        DataError: it stands for none.
    """
    text = reference.strip()
    source, _, own_id = text.partition(":")
    named = (F.col(c.SOURCE) == source) & (F.col(c.SOURCE_RECORD_ID) == own_id)
    found = _read(store, (F.col(c.RECORD_KEY) == text) | named)
    if not found and is_contact_point(text):
        shown = (F.col(c.EMAIL) == text.lower()) | F.array_contains(c.EMAILS, F.lit(text.lower()))
        found = _read(store, F.col(c.RECORD_KEY).isin(find_bearers(store, text)) | shown)
    elif not found and ":" not in text:
        found = _of_unified_id(store, text)
    if not found and own_id:
        found = _read(store, F.col(c.RECORD_KEY).isin(find_identified(store, source, own_id)))
    found = found or _of_old_key(store, record_key(source, own_id) if own_id else text)
    if not found:
        raise unknown_record(store, text)
    return found


def unknown_record(store: Store, text: str) -> DataError:
    """Say that no record is called so, with those that are called nearly so."""
    if is_contact_point(text):
        return DataError(
            "record", got="an e-mail address or phone that no record has", allowed=ALLOWED, fix="check its spelling"
        )
    near = nearest_records(store, text)
    fix = f"Did you mean {' or '.join(near)}?" if near else f"Use {ALLOWED}."
    return DataError("record", got=f"{text}, which no record has", fix=fix, said=f'No record "{text}". {fix}')


def without_visitors(records: Sequence[RecordName]) -> tuple[RecordName, ...]:
    """The records that are compared; visitors only where there is nothing else."""
    return tuple(it for it in records if it.entity_type != VISITOR) or tuple(records)


def find_record(store: Store, reference: str) -> RecordName:
    """The one record that a reference stands for; a person's own, where visitors are of the same person.

    Raises:
        DataError: it stands for none, or for several.
    """
    found = without_visitors(find_records(store, reference))
    if len(found) > 1:
        names = ", ".join(it.title for it in found[:_SHOWN])
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise DataError("record", got=f"a reference to {len(found)} records", fix=f"name one of {names}{more}")
    return found[0]


@dataclass(frozen=True)
class NamedPair:
    """Two records that somebody named.

    Args:
        left: the first.
        right: the second.
    """

    left: RecordName
    right: RecordName

    @property
    def pair(self) -> Pair:
        """Their keys, the smaller first."""
        return ordered(self.left.record_key, self.right.record_key)

    def __str__(self) -> str:
        return f"{self.left.title} and {self.right.title}"


def find_pair(store: Store, left: str, right: str) -> NamedPair:
    """The two records that two references stand for.

    Raises:
        DataError: one of them stands for none or several, or they are of types that no label joins: a label is between
            two records of one type, or between a visitor and a person's record.
        ConfigError: they are one record.
    """
    found = NamedPair(find_record(store, left), find_record(store, right))
    types = {found.left.entity_type, found.right.entity_type}
    if types == {VISITOR}:
        allowed = "two records of one type, or a visitor and a person's record"
        raise DataError("records", got="two visitors", allowed=allowed, fix="link each to a record of the person")
    if types != {PERSON, VISITOR}:
        only_one_type([found.left, found.right])
    if found.left.record_key == found.right.record_key:
        raise ConfigError("records", got=f"record {found.left.record_key} twice", allowed="two records")
    return found


def match_of(project: Project, records: Sequence[RecordName]) -> tuple[str, EntityMatch]:
    """The entity type of the records, and how it is matched.

    Raises:
        DataError: they are of several types.
        ConfigError: they are of a type that is not compared.
    """
    entity_type = only_one_type(records)
    return entity_type, match_section(project, entity_type)


def joining_types(project: Project, entity_type: str) -> tuple[str, ...]:
    """The types of identifiers that join records of an entity type, whatever they weigh."""
    return tuple(linking_types(project)[0]) if entity_type == PERSON else ()


def match_section(project: Project, entity_type: str) -> EntityMatch:
    """How an entity type is matched.

    Raises:
        ConfigError: its records are not compared.
    """
    entities = project.match.entities
    if entity_type not in entities:
        raise ConfigError("entity", got=entity_type, allowed=", ".join(entities), fix="name one of these")
    return entities[entity_type]


def record_titles(store: Store, record_keys: Sequence[str]) -> dict[str, str]:
    """The short names `source:source_record_id` of some records, by record_key (an action)."""
    if not record_keys:
        return {}
    return {it.record_key: it.title for it in _read(store, F.col(c.RECORD_KEY).isin(sorted(set(record_keys))))}


def _of_unified_id(store: Store, unified_id: str) -> tuple[RecordName, ...]:
    if latest_release(store) is None:
        return ()
    warehouse = ReleasedWarehouse.newest(store)
    try:
        ids = find_ids(warehouse, unified_id)
    except DataError:
        return ()
    keys = warehouse.read(UNIFIED_IDS).where(F.col(c.UNIFIED_ID).isin(ids)).select(c.RECORD_KEY).collect()
    return _read(store, F.col(c.RECORD_KEY).isin([row[0] for row in keys]))


def _of_old_key(store: Store, key: str) -> tuple[RecordName, ...]:
    """The records of the person whose record had a key until its source gave it a new one."""
    if latest_release(store) is None:
        return ()
    of_key = (F.col(c.RECORD_KEY) == key) & (F.col(c.CAUSE) == MOVED_KEY)
    moved = ReleasedWarehouse.newest(store).read(ID_CHANGES).where(of_key).orderBy(F.desc(c.RELEASE)).limit(1)
    ids = [row[0] for row in moved.select(c.UNIFIED_ID).collect()]
    return _of_unified_id(store, ids[0]) if ids else ()


def _read(store: Store, wanted: Column) -> tuple[RecordName, ...]:
    rows = store.read(RECORDS).where(wanted).select(*_NAMED).orderBy(c.RECORD_KEY).collect()
    return tuple(RecordName(*row) for row in rows)
