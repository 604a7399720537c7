"""From what somebody types to the ids of profiles, and what to try next where nothing is found.

A unified id (of a merged one the id that lives), a household's id, a record as `source:source_record_id`, an e-mail
address, a phone number with its country code, or another identifier as `type:value`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from cdp_spark import columns as c
from cdp_spark.errors import DataError
from cdp_spark.identity.terms import ERASURE, LIVE, MERGED_STATUS
from cdp_spark.normalise.hashing import record_key
from cdp_spark.normalise.identifiers import BUILT_IN_FORMS, Forms, searched_identifiers
from cdp_spark.tables.catalog import HOUSEHOLDS, ID_REGISTRY, IDENTIFIERS, PROFILE_HISTORY, RECORDS, UNIFIED_IDS
from cdp_spark.tables.rows import texts
from cdp_spark.view.facts import holds

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from cdp_spark.tables.store import Store
    from cdp_spark.view.warehouse import ReleasedWarehouse

SHOW = "cdp profile show"
ALLOWED = "a unified id, a record such as crm:K2001, an e-mail address, a phone such as +49… or loyalty_id:12345"
_NO_REGION = "ZZ"
"""Phones are looked up with their country code."""
_LIKE_AN_ID = re.compile("[0-9a-f]{8}-", re.IGNORECASE)
"""The part of an id that the one that was meant has in common with it."""
_EXAMPLES = 3
_NEAR = 2
"""Letters by which a record's id may differ from what was typed."""


def find_ids(
    warehouse: ReleasedWarehouse,
    reference: str,
    *,
    command: str = SHOW,
    at: datetime | None = None,
    forms: Forms = BUILT_IN_FORMS,
) -> list[str]:
    """Find the ids that a reference stands for; of a merged one the id that lives.

    Args:
        warehouse: where to look.
        reference: what is asked for; an e-mail in any spelling of its mailbox, a phone with its country code.
        command: that asks, for messages.
        at: an id that had a profile of its own then stands for itself, whatever became of it.
        forms: how the project's types of identifiers are written.

    Raises:
        DataError: no profile has it; says what to try.
    """
    asked = reference.strip()
    if is_contact_point(asked):
        ids = _ids_of(warehouse, find_bearers(warehouse.store, asked))
        if not ids:
            raise DataError(command, got="an e-mail address or phone that no profile has", fix="check its spelling")
        return ids
    if at is not None and asked in _ids_at(warehouse, asked, at):
        return [asked]
    source, _, own_id = asked.partition(":")
    if own_id:
        ids = _ids_of(warehouse, [record_key(source, own_id)])
        ids = ids or _ids_of(warehouse, find_identified(warehouse.store, source, own_id, forms=forms))
        return ids or [_unknown(warehouse, asked, command)]
    return [_survivor(warehouse, asked, command=command)]


def find_household(warehouse: ReleasedWarehouse, household_id: str) -> list[str]:
    """Find the ids of a household's people, in their order; none where it is no household's id."""
    members = warehouse.fetch(HOUSEHOLDS, (c.UNIFIED_ID,), only={c.HOUSEHOLD_ID: texts([household_id])})
    return sorted(members[c.UNIFIED_ID].to_pylist())


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
    only = {c.TYPE: texts([kind]), c.VALUE: texts(value for of, value in searched if of == kind)}
    return sorted(store.fetch(IDENTIFIERS, (c.RECORD_KEY,), only=only)[c.RECORD_KEY].to_pylist())


def find_identified(store: Store, kind: str, text: str, *, forms: Forms = BUILT_IN_FORMS) -> list[str]:
    """Find the records that have an identifier of a type, such as `loyalty_id`; their keys in order.

    Args:
        store: the warehouse.
        kind: type of the identifier; of no other does anybody have one.
        text: the identifier, in any of its spellings.
        forms: how types of identifiers are written.
    """
    searched = [value for _, value in searched_identifiers(kind, text, region=_NO_REGION, forms=forms)]
    only = {c.TYPE: texts([kind]), c.VALUE: texts([*searched, text])}
    return sorted(store.fetch(IDENTIFIERS, (c.RECORD_KEY,), only=only)[c.RECORD_KEY].to_pylist())


def _ids_of(warehouse: ReleasedWarehouse, record_keys: Iterable[str]) -> list[str]:
    borne = warehouse.fetch(UNIFIED_IDS, (c.UNIFIED_ID,), only={c.RECORD_KEY: texts(record_keys)})
    return sorted(set(borne[c.UNIFIED_ID].to_pylist()))


def _ids_at(warehouse: ReleasedWarehouse, unified_id: str, at: datetime) -> list[str]:
    columns = (c.UNIFIED_ID, c.VALID_FROM, c.VALID_TO)
    spans = warehouse.fetch(PROFILE_HISTORY, columns, only={c.UNIFIED_ID: texts([unified_id])}).to_pylist()
    return [it[c.UNIFIED_ID] for it in spans if holds(it, at)]


def _survivor(warehouse: ReleasedWarehouse, unified_id: str, *, command: str) -> str:
    """Follow merges to the id that lives, and say what became of one that does not."""
    row = _registered(warehouse, unified_id)
    if row is None:
        return _unknown(warehouse, unified_id, command)
    while row[c.STATUS] == MERGED_STATUS:
        row = _registered(warehouse, row[c.MERGED_INTO]) or _unregistered(row, command)
    if row[c.STATUS] == LIVE:
        return str(row[c.UNIFIED_ID])
    if row[c.CAUSE] == ERASURE:
        got = f"{unified_id}, erased with release {row[c.CLOSED_RELEASE]}: nothing is left of it"
        raise DataError(command, got=got)
    fix = "`cdp profile show --at TIME` shows it as it was"
    raise DataError(command, got=f"{unified_id}, closed ({row[c.CAUSE]})", fix=fix)


def _registered(warehouse: ReleasedWarehouse, unified_id: str) -> dict[str, Any] | None:
    rows = warehouse.fetch(ID_REGISTRY, only={c.UNIFIED_ID: texts([unified_id])}).to_pylist()
    return rows[0] if rows else None


def _unregistered(row: dict[str, Any], command: str) -> dict[str, Any]:
    raise DataError(command, got=f"{row[c.UNIFIED_ID]}, merged into an id that is not registered")


def _unknown(warehouse: ReleasedWarehouse, asked: str, command: str) -> str:
    near = nearest_records(warehouse.store, asked) or _near_ids(warehouse, asked)
    fix = f"did you mean {' or '.join(near)}?" if near else "search by e-mail or phone, or name a source's record"
    raise DataError(command, got=f"{asked}, which nobody has", allowed="" if near else ALLOWED, fix=fix)


def nearest_records(store: Store, asked: str) -> list[str]:
    """Name the records whose own id is nearly the one asked for, in capitals or not, of any source; the nearest first.

    Args:
        store: the warehouse.
        asked: an id, with or without its source before it.
    """
    source, _, own_id = asked.rpartition(":")
    records = store.fetch(RECORDS, (c.SOURCE, c.SOURCE_RECORD_ID))
    ids = pc.utf8_lower(records[c.SOURCE_RECORD_ID]).to_pylist()
    near = min(len(own_id) // 3, _NEAR)
    found = process.extract(own_id.lower(), ids, scorer=Levenshtein.distance, score_cutoff=near, limit=None)
    named = [(apart, records[c.SOURCE][place].as_py(), place) for _, apart, place in found]
    ranked = sorted((apart, of != source, of, records[c.SOURCE_RECORD_ID][place].as_py()) for apart, of, place in named)
    return [f"{of}:{own}" for _, _, of, own in ranked[:_EXAMPLES]]


def _near_ids(warehouse: ReleasedWarehouse, asked: str) -> list[str]:
    """Name the ids that begin alike: a copied id has mostly lost or changed its end."""
    if not _LIKE_AN_ID.match(asked):
        return []
    ids = warehouse.fetch(ID_REGISTRY, (c.UNIFIED_ID,))[c.UNIFIED_ID]
    return sorted(ids.filter(pc.starts_with(ids, asked.lower().partition("-")[0])).to_pylist())[:_EXAMPLES]
