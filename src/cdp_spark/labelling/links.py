"""Labels by hand: checked against those in force, then appended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.engines.labels import smallest_members
from cdp_spark.clustering.identifiers.links import linking_types
from cdp_spark.clustering.kinds import PERSON
from cdp_spark.clustering.labels import CANNOT_LINK, MUST_LINK, WITHDRAWN, keep_current_labels
from cdp_spark.errors import ConfigError, DataError, StateError
from cdp_spark.explain.chain import Link, strongest_chain
from cdp_spark.tables.catalog import IDENTIFIERS, LABELS, RECORDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from cdp_spark.config.project import Project
    from cdp_spark.tables.store import Store

Pair = tuple[str, str]
_SHOWN = 5


@dataclass(frozen=True)
class Label:
    """What somebody says about a pair.

    Args:
        pair: record keys, the smaller first.
        label: must_link, cannot_link, or withdrawn.
        reason: why; empty where none was given.
    """

    pair: Pair
    label: str
    reason: str = ""


@dataclass(frozen=True)
class Contradiction:
    """A cannot-link between two records that must-links join.

    Args:
        pair: that the cannot-link parts.
        chain: record keys from one of them to the other, each must-linked with the next.
    """

    pair: Pair
    chain: tuple[str, ...]


def ordered(one: str, other: str) -> Pair:
    """Two record keys, the smaller first."""
    return (one, other) if one < other else (other, one)


def read_labels(store: Store) -> dict[Pair, str]:
    """The label in force of each labelled pair (an action)."""
    rows = keep_current_labels(store.fetch(LABELS)).to_pylist()
    return {(row[c.RECORD_KEY_L], row[c.RECORD_KEY_R]): row[c.LABEL] for row in rows}


def add_labels(store: Store, labels: Sequence[Label], *, author: str, at: datetime) -> int:
    """Append what is new among some labels; returns how many were.

    The newest label of a pair is in force, so a new one replaces the pair's older one. A label that is in force
    already is not repeated.

    Args:
        store: the warehouse.
        labels: a pair once.
        author: who says so.
        at: UTC; later than the labels in force.

    Raises:
        ConfigError: nobody says so.
        DataError: with the labels in force, a cannot-link would part records that must-links join.
        StateError: a pair has a label of a later time, so that the new one would not be in force.
    """
    current = read_labels(store)
    new = [it for it in labels if current.get(it.pair) != it.label]
    refuse_contradictions(current, new)
    _refuse_earlier(store, {it.pair for it in new}, at)
    _append(store, new, author=author, at=at)
    return len(new)


def withdraw_label(store: Store, pair: Pair, *, author: str, reason: str, at: datetime) -> str:
    """Take back the label in force of a pair, as another row of the log; returns what it was.

    Args:
        store: the warehouse.
        pair: record keys, the smaller first.
        author: who takes it back.
        reason: why.
        at: UTC; later than the label in force.

    Raises:
        ConfigError: nobody takes it back, or for no reason.
        DataError: no label of the pair is in force.
        StateError: its label is of a later time.
    """
    if not reason.strip():
        raise ConfigError("--reason", got="nothing", allowed="a sentence", fix="say why")
    current = read_labels(store)
    if pair not in current:
        got = f"records {pair[0]} and {pair[1]}, of which no label is in force"
        raise DataError("labels", got=got, allowed="a labelled pair", fix="`cdp labels` lists the labels in force")
    _refuse_earlier(store, {pair}, at)
    _append(store, [Label(pair, WITHDRAWN, reason)], author=author, at=at)
    return current[pair]


def _append(store: Store, labels: Sequence[Label], *, author: str, at: datetime) -> None:
    if not author.strip():
        raise ConfigError("--author", got="nobody", allowed="a name", fix="say who decides: --author NAME")
    if not labels:
        return
    rows = [(*it.pair, at, it.label, author.strip(), it.reason.strip() or None) for it in labels]
    store.append(LABELS, LABELS.table(rows), application=None)


def _refuse_earlier(store: Store, pairs: set[Pair], at: datetime) -> None:
    """Refuse what a label of a later time would outdo: the newest of a pair is in force, and clocks differ."""
    labels = store.fetch(LABELS, (c.RECORD_KEY_L, c.RECORD_KEY_R, c.AT)).to_pylist()
    later = [row for row in labels if row[c.AT] >= at and (row[c.RECORD_KEY_L], row[c.RECORD_KEY_R]) in pairs]
    if later:
        newest = max(row[c.AT] for row in later)
        count = len({(row[c.RECORD_KEY_L], row[c.RECORD_KEY_R]) for row in later})
        got = f"{count} pairs with a label of a later time, up to {newest:%Y-%m-%d %H:%M:%S}"
        allowed = f"labels before {at:%Y-%m-%d %H:%M:%S}, the clock of this machine (UTC)"
        raise StateError("labels", got=got, allowed=allowed, fix="put the clock right; nothing was written")


def refuse_contradictions(current: Mapping[Pair, str], new: Sequence[Label]) -> None:
    """Check what the labels in force and the new ones say together.

    Raises:
        DataError: the new ones bring a contradiction; tells the chain of must-links.
    """
    known = {it.pair for it in find_contradictions(current)}
    after = find_contradictions({**current, **{it.pair: it.label for it in new}})
    found = [it for it in after if it.pair not in known]
    if not found:
        return
    told = [
        f"a cannot-link of {it.pair[0]} and {it.pair[1]}, joined by must-links {' – '.join(it.chain)}" for it in found
    ]
    more = f", and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    raise DataError(
        "labels",
        got="; ".join(told[:_SHOWN]) + more,
        allowed="labels without contradiction",
        fix="`cdp unlink` a pair of the chain first, or `cdp link` the pair that is kept apart",
    )


def find_contradictions(labels: Mapping[Pair, str]) -> tuple[Contradiction, ...]:
    """The cannot-links between records that must-links join, by pair."""
    links = [Link(*pair) for pair, label in labels.items() if label == MUST_LINK]
    apart = sorted(pair for pair, label in labels.items() if label == CANNOT_LINK)
    part = _parts(links)
    joined = [pair for pair in apart if part.get(pair[0], -1) == part.get(pair[1], -2)]
    chains = [(pair, strongest_chain(links, *pair)) for pair in joined]
    return tuple(Contradiction(pair, (pair[0], *(it.right for it in chain))) for pair, chain in chains)


def _parts(links: Sequence[Link]) -> dict[str, int]:
    """The part of each must-linked record; records of one part are joined."""
    records = sorted({record for link in links for record in (link.left, link.right)})
    place = {record: number for number, record in enumerate(records)}
    left, right = (np.array([place[record] for record in side], dtype=np.int64) for side in _sides(links))
    return dict(zip(records, smallest_members(len(records), left, right).tolist(), strict=True)) if records else {}


def _sides(links: Sequence[Link]) -> tuple[list[str], list[str]]:
    return [it.left for it in links], [it.right for it in links]


def find_obstacle(store: Store, project: Project, pair: Pair) -> str | None:
    """Say what keeps two records apart although a must-link joins them: limits go before labels (two actions).

    Args:
        store: the warehouse.
        project: its limits.
        pair: record keys, of one entity type.
    Returns: the limit in words; None where there is none.
    """
    one, other = store.read(RECORDS).where(F.col(c.RECORD_KEY).isin(*pair)).collect()
    if one[c.SOURCE] == other[c.SOURCE] in {source.name for source in project.sources if source.duplicate_free}:
        return f"source {one[c.SOURCE]} is declared duplicate-free"
    match = project.match.entities[one[c.ENTITY_TYPE]]
    different = [name for name in match.clustering.unique if _differ(one[name], other[name])]
    kinds = linking_types(project)[1] if one[c.ENTITY_TYPE] == PERSON else []
    if kinds and not different:
        held = _unique_values(store, kinds, pair)
        different = [kind for kind, values in held.items() if _differ(values.get(pair[0]), values.get(pair[1]))]
    return f"they have two values of {different[0]}, which is unique" if different else None


def _unique_values(store: Store, types: list[str], pair: Pair) -> Mapping[str, Mapping[str, str]]:
    """Of each type the value by which clustering keeps each record apart."""
    of_pair = F.col(c.USABLE) & F.col(c.TYPE).isin(*types) & F.col(c.RECORD_KEY).isin(*pair)
    largest = F.max(c.VALUE_HASH).alias(c.VALUE_HASH)
    rows = store.read(IDENTIFIERS).where(of_pair).groupBy(c.TYPE, c.RECORD_KEY).agg(largest).collect()
    found: dict[str, dict[str, str]] = {kind: {} for kind in types}
    for row in rows:
        found[row[c.TYPE]][row[c.RECORD_KEY]] = row[c.VALUE_HASH]
    return found


def _differ(one: object, other: object) -> bool:
    return one is not None and other is not None and one != other
