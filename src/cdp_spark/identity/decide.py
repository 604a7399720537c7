"""The ids of a run: settled, contested or new, and all that is to be said of them.

`decide_ids` is given the records of all clusters and previous ids, or of some groups of contest: clusters and ids that
nothing else has a claim on. Groups decide nothing about each other, so it comes to the same whether they are decided
together or apart.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.identity.causes import find_causes
from cdp_spark.identity.changes import Lineage, build_entries, build_id_changes, count_figures, tell_moved_keys
from cdp_spark.identity.issues import list_held
from cdp_spark.identity.offers import Assigned, FormerHolder, Issued, Member, assign_contested

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from cdp_spark.identity.causes import Evidence, Transitions
    from cdp_spark.identity.members import Contest
    from cdp_spark.identity.offers import Identifiers


@dataclass(frozen=True)
class Issuer:
    """Issues new ids: a function of the run and of the cluster, so that a run that is repeated issues the same.

    Args:
        namespace: of the project; never changes.
        ordinal: of the run that issues them.
    """

    namespace: uuid.UUID
    ordinal: int

    def new_id(self, first_key: str) -> str:
        """UUIDv5 of the namespace and the name `<ordinal>:<smallest record key>`, such as `1:00ab…`."""
        return str(uuid.uuid5(self.namespace, f"{self.ordinal}:{first_key}"))


@dataclass(frozen=True)
class Readers:
    """What is only asked for where ids are contested; they may give more than they are asked for.

    Args:
        identifiers: gives the strong, usable identifiers of some records.
        evidence: gives what may have moved some records.
    """

    identifiers: Callable[[Collection[str]], Identifiers]
    evidence: Callable[[Collection[str]], Evidence]


@dataclass(frozen=True)
class IdentityOutcome:
    """What a run makes of ids.

    Args:
        unified_ids: of all records that are here.
        id_changes: this run's rows.
        entries: rows of `id_registry` that are new or other than before.
        issues: rows of `identity_issues` of clusters that are held.
        figures: of this run; those of several groups of contest add up.
    """

    unified_ids: pa.Table
    id_changes: pa.Table
    entries: pa.Table
    issues: pa.Table
    figures: dict[str, float]


def decide_ids(
    contest: Contest, id_registry: pa.Table, readers: Readers, issuer: Issuer, *, run_id: str
) -> IdentityOutcome:
    """Decide which id each record bears.

    Args:
        contest: from `find_contest`.
        id_registry: of the previous release; at least the ids that members or former holders had.
        readers: of what contested ids ask for.
        issuer: of new ids.
        run_id: of this run.
    """
    members, release = contest.members, issuer.ordinal
    assigned = _assign(contest, id_registry, readers)
    of_place, new_ids = _name_places(contest, assigned, issuer)
    ids = of_place.take(pa.array(contest.place))
    lineage = Lineage(
        {held: new_ids[first] for held, first in assigned.merged_into.items()},
        {new_ids[first]: held for first, held in assigned.split_from.items()},
    )
    causes = find_causes(_transitions(contest, ids), readers.evidence)
    changes = build_id_changes(members, ids, id_registry, lineage=lineage, causes=causes, release=release)
    unified_ids = pa.table(
        {c.RECORD_KEY: members.here[c.RECORD_KEY], c.ENTITY_TYPE: members.here[c.ENTITY_TYPE], c.UNIFIED_ID: ids}
    )
    borne = unified_ids.group_by(c.UNIFIED_ID).aggregate([(c.ENTITY_TYPE, "min")])
    borne = borne.select([c.UNIFIED_ID, f"{c.ENTITY_TYPE}_min"]).rename_columns([c.UNIFIED_ID, c.ENTITY_TYPE])
    entries = build_entries(members, borne, id_registry, changes, lineage=lineage, release=release)
    changes = pa.concat_tables([changes, tell_moved_keys(members, ids, release=release)])
    issues = list_held(contest, run_id=run_id)
    figures = count_figures(members, borne, changes, entries, release=release)
    figures["ids.records_contested"] = float(contest.record_count)
    return IdentityOutcome(unified_ids, changes, entries, issues, figures)


def _assign(contest: Contest, id_registry: pa.Table, readers: Readers) -> Assigned:
    if not contest.is_contested.any():
        return Assigned({}, {}, {})
    here = contest.members.here
    rows = pa.array(np.flatnonzero(contest.is_contested[contest.place]))
    places = pa.array(contest.place).take(rows)
    first_keys = contest.first_keys.take(places)
    columns = [here[name].take(rows) for name in (c.RECORD_KEY, c.ENTITY_TYPE, c.PREVIOUS_ID)]
    members = [Member(*it) for it in zip(*(it.to_pylist() for it in (*columns, first_keys)), strict=True)]
    settled = dict(zip(first_keys.to_pylist(), contest.settled.take(places).to_pylist(), strict=True))
    former = _tuples(contest.former_holders, FormerHolder._fields)
    ids = pa.array({*columns[2].unique().to_pylist(), *(it[2] for it in former)} - {None}, pa.string())
    entries = id_registry.filter(pc.is_in(id_registry[c.UNIFIED_ID], value_set=ids))
    return assign_contested(
        members,
        {first: held for first, held in settled.items() if held is not None},
        [FormerHolder(*it) for it in former],
        {it[0]: Issued(*it) for it in _tuples(entries, Issued._fields)},
        readers.identifiers,
    )


def _name_places(contest: Contest, assigned: Assigned, issuer: Issuer) -> tuple[pa.Array, dict[str, str]]:
    """Give each place its id; and say which one the clusters got that are not settled, by first key."""
    is_open = contest.settled.is_null()
    names = contest.first_keys.filter(is_open).to_pylist()
    ids = {first: assigned.bears.get(first) or issuer.new_id(first) for first in names}
    chosen = pa.array([ids[first] for first in names], pa.string())
    return pc.replace_with_mask(contest.settled, is_open, chosen), ids


def _transitions(contest: Contest, ids: pa.Array) -> Transitions:
    """The ids before and now of the records whose id is contested."""
    if not contest.is_contested.any():
        return {}
    rows = pa.array(np.flatnonzero(contest.is_contested[contest.place]))
    here, left = contest.members.here.take(rows), contest.members.left.filter(pa.array(contest.is_contested_left))
    names = (c.RECORD_KEY, c.ENTITY_TYPE, c.PREVIOUS_ID)
    now = ids.take(rows).to_pylist()
    transitions: Transitions = {
        (key, kind): (old, new) for (key, kind, old), new in zip(_tuples(here, names), now, strict=True)
    }
    return transitions | {(key, kind): (old, None) for key, kind, old in _tuples(left, names)}


def _tuples(table: pa.Table, names: Collection[str]) -> list[tuple[Any, ...]]:
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))
