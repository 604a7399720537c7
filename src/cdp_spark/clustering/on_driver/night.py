"""An incremental night of few changes without Spark: affected components are fetched, refined and put back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.batch import CUTS as CUTS_OF_RECORD
from cdp_spark.clustering.identifiers.links import linking_types
from cdp_spark.clustering.increment import (
    MAX_TOUCHED_SHARE,
    RECORDS_FIGURE,
    build_changed_values,
    builds_on_last,
)
from cdp_spark.clustering.kinds import PERSON
from cdp_spark.clustering.labels import keep_current_labels
from cdp_spark.clustering.on_driver.affected import find_affected, find_changed_values, find_reclustered
from cdp_spark.clustering.on_driver.cluster import MAX_PAIRS, MAX_RECORDS, refine_all
from cdp_spark.clustering.on_driver.evidence import (
    Rules,
    fetch_identifiers,
    fetch_members,
    fetch_pairs,
    find_identifier_links,
    unite_evidence,
    with_unique_identifiers,
)
from cdp_spark.clustering.outcome import Outcome
from cdp_spark.clustering.records import EXCLUSIVE_SOURCE
from cdp_spark.tables.catalog import CLUSTERS, CUTS, IDENTIFIERS, LABELS
from cdp_spark.tables.increments.touched import MATCHING, fetch_touched
from cdp_spark.tables.rows import rows_without, unite_texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.clustering.on_driver.evidence import Link
    from cdp_spark.config.match import ClusteringConfig
    from cdp_spark.tables.run import LastFinish, RunContext
    from cdp_spark.tables.store import Store

MAX_CLUSTERED = 5_000_000
"""Records whose clusters of the last night the driver holds, at about 100 bytes each."""
MAX_IDENTIFIERS = 3_000_000
"""Identifiers of which the driver compares two nights, at some 500 bytes each while it does."""
_CLUSTER = [c.RECORD_KEY, c.COMPONENT, c.CLUSTER]
_CUT = [c.RECORD_KEY_L, c.RECORD_KEY_R, c.WEIGHT_LOG2, c.REASON, c.IDENTIFIER_TYPE]


@dataclass(frozen=True)
class _Task:
    """What is clustered, and what the last night left.

    Args:
        store: the tables.
        entity_type: whose clusters these are.
        config: threshold, weights and sizes.
        rules: what joins records, and what keeps them apart.
        last: when clusters were made last.
        known: records that had clusters then, of all types.
    """

    store: Store
    entity_type: str
    config: ClusteringConfig
    rules: Rules
    last: LastFinish
    known: float

    @property
    def of_type(self) -> dict[str, pa.Array]:
        """The wanted entity type."""
        return {c.ENTITY_TYPE: pa.array([self.entity_type])}


def cluster_on_driver(context: RunContext, entity_type: str) -> Outcome | None:
    """Cluster the records of a type that changes can alter; None in a full night, or where they are too many.

    Args:
        context: of the run.
        entity_type: whose clusters these are.
    """
    task = _plan(context, entity_type)
    if task is None:
        return None
    touched = fetch_touched(context, MATCHING, since=task.last.ordinal, entity_types=(entity_type,))
    if touched is None:
        return None
    labels = task.store.fetch(LABELS)
    touched = _with_others(task, touched, labels)
    if len(touched) > min(MAX_TOUCHED_SHARE * task.known, MAX_RECORDS):
        return None
    clusters = task.store.fetch(CLUSTERS, _CLUSTER, only=task.of_type, version=task.last.written[CLUSTERS.name])
    affected = find_affected(touched, clusters)
    if affected.num_rows > MAX_RECORDS:
        return None
    return _recluster(task, keep_current_labels(labels), clusters, affected)


def _plan(context: RunContext, entity_type: str) -> _Task | None:
    last, known = context.last, context.last_figure(RECORDS_FIGURE) or 0.0
    config = context.project.match.entities[entity_type].clustering
    if last is None or known > MAX_CLUSTERED or config.engine not in ("auto", "local"):
        return None
    if not builds_on_last(context, entity_type):
        return None
    linking, unique = linking_types(context.project) if entity_type == PERSON else ((), ())
    exclusive = tuple(source.name for source in context.project.sources if source.duplicate_free)
    rules = Rules(tuple(config.unique), exclusive, tuple(linking), tuple(unique))
    return _Task(context.store, entity_type, config, rules, last, known)


def _with_others(task: _Task, touched: pa.Array, labels: pa.Table) -> pa.Array:
    """Add who has a label, and who shares a value of which the holders changed."""
    changed = [_find_changed_values(task)] if task.rules.types else []
    return unite_texts(touched, labels[c.RECORD_KEY_L], labels[c.RECORD_KEY_R], *changed)


def _find_changed_values(task: _Task) -> pa.Array:
    """Who shares a value of which the holders changed; found in Spark where there are very many values."""
    store, types, versions = task.store, task.rules.types, (None, task.last.versions[IDENTIFIERS.name])
    if store.count(IDENTIFIERS) > MAX_IDENTIFIERS:
        of_type = F.col(c.ENTITY_TYPE) == task.entity_type
        now, before = (store.read(IDENTIFIERS, version=it).where(of_type) for it in versions)
        return build_changed_values(now, before, types).toArrow()[c.RECORD_KEY].combine_chunks()
    now, before = (fetch_identifiers(store, task.entity_type, types, version=it) for it in versions)
    return find_changed_values(now, before)


def _recluster(task: _Task, labels: pa.Table, clusters: pa.Table, affected: pa.Table) -> Outcome | None:
    store, rules, config, keys = task.store, task.rules, task.config, affected[c.RECORD_KEY].combine_chunks()
    members, pairs = fetch_members(store, task.entity_type, keys, rules), fetch_pairs(store, task.entity_type, keys)
    links: Mapping[Link, str] = {}
    if rules.types:
        identifiers = fetch_identifiers(store, task.entity_type, rules.types, keys=keys)
        members = with_unique_identifiers(members, identifiers, rules.unique)
        links = find_identifier_links(identifiers, rules.linking)
        config = config.model_copy(update={"unique": (*config.unique, *rules.unique)})
    pair_count = pairs.num_rows + len(links)
    if pair_count > MAX_PAIRS:
        return None
    evidence = unite_evidence(pairs, labels, list(links))
    refined = refine_all(members, evidence, config=config, unique_within=(EXCLUSIVE_SOURCE,))
    cuts = store.fetch(CUTS, _CUT, only=task.of_type, version=task.last.written[CUTS.name])
    told = f"local engine, all on the driver: {members.num_rows:,} records, {pair_count:,} pairs"
    return Outcome(
        f"{told}; incremental: {affected.num_rows:,} records in affected components",
        _with_kept(clusters, refined.select(_CLUSTER), c.RECORD_KEY, keys),
        _with_kept(cuts, unfold_cuts(refined, links), c.RECORD_KEY_L, keys),
        find_reclustered(refined, affected),
    )


def _with_kept(last: pa.Table, made: pa.Table, column: str, affected: pa.Array) -> pa.Table:
    """What no change can alter, and what was made anew."""
    kept = rows_without(last, column, affected)
    return pa.concat_tables([kept.select(made.column_names), made], promote_options="permissive")


def unfold_cuts(refined: pa.Table, links: Mapping[Link, str]) -> pa.Table:
    """The cuts of refined records, with the type of the identifier that would have joined a pair.

    Args:
        refined: of REFINED_SCHEMA.
        links: from `find_identifier_links`.
    """
    lists = refined[CUTS_OF_RECORD].combine_chunks()
    cuts = lists.flatten()
    left = refined[c.RECORD_KEY].take(pc.list_parent_indices(lists))
    right = cuts.field(c.RECORD_KEY_R)
    types = [links.get(pair) for pair in zip(left.to_pylist(), right.to_pylist(), strict=True)]
    values = (left, right, cuts.field(c.WEIGHT_LOG2), cuts.field(c.REASON), pa.array(types, pa.string()))
    return pa.table(dict(zip(_CUT, values, strict=True)))
