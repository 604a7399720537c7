"""An incremental night of few changes without Spark: affected components are fetched, refined and put back."""

from __future__ import annotations

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

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.clustering.on_driver.evidence import Link
    from cdp_spark.tables.run import LastFinish, RunContext
    from cdp_spark.tables.store import Store

MAX_CLUSTERED = 5_000_000
"""Records whose clusters of the last night the driver holds, at about 100 bytes each."""
MAX_IDENTIFIERS = 3_000_000
"""Identifiers of which the driver compares two nights, at some 500 bytes each while it does."""
_CLUSTER = [c.RECORD_KEY, c.COMPONENT, c.CLUSTER]
_CUT = [c.RECORD_KEY_L, c.RECORD_KEY_R, c.WEIGHT_LOG2, c.REASON, c.IDENTIFIER_TYPE]


def cluster_on_driver(context: RunContext, entity_type: str) -> Outcome | None:
    """Cluster the records of a type that changes can alter; None in a full night, or where they are too many.

    Args:
        context: of the run.
        entity_type: whose clusters these are.
    """
    last, known = context.last, context.last_figure(RECORDS_FIGURE) or 0.0
    engine = context.project.match.entities[entity_type].clustering.engine
    if last is None or known > MAX_CLUSTERED or engine not in ("auto", "local"):
        return None
    if not builds_on_last(context, entity_type):
        return None
    labels, rules = context.store.fetch(LABELS), _rules_of(context, entity_type)
    touched = _find_touched(context, last, entity_type, rules, labels)
    if touched is None or len(touched) > min(MAX_TOUCHED_SHARE * known, MAX_RECORDS):
        return None
    clusters = context.store.fetch(CLUSTERS, _CLUSTER, only=_of(entity_type), version=last.written[CLUSTERS.name])
    affected = find_affected(touched, clusters)
    if affected.num_rows > MAX_RECORDS:
        return None
    return _recluster(context, entity_type, rules, keep_current_labels(labels), clusters, affected)


def _rules_of(context: RunContext, entity_type: str) -> Rules:
    project = context.project
    linking, unique = linking_types(project) if entity_type == PERSON else ((), ())
    return Rules(
        guards=tuple(project.match.entities[entity_type].clustering.unique),
        exclusive_sources=tuple(source.name for source in project.sources if source.duplicate_free),
        linking=tuple(linking),
        unique=tuple(unique),
    )


def _of(entity_type: str) -> dict[str, pa.Array]:
    return {c.ENTITY_TYPE: pa.array([entity_type])}


def _find_touched(
    context: RunContext, last: LastFinish, entity_type: str, rules: Rules, labels: pa.Table
) -> pa.Array | None:
    """Whom matching worked on, who has a label, and who shares a value of which the holders changed."""
    touched = fetch_touched(context, MATCHING, since=last.ordinal, entity_types=(entity_type,))
    if touched is None:
        return None
    found = [touched, *labels[c.RECORD_KEY_L].chunks, *labels[c.RECORD_KEY_R].chunks]
    if rules.types:
        found.append(_find_changed_values(context.store, last.versions[IDENTIFIERS.name], entity_type, rules))
    return pa.chunked_array(found, pa.string()).combine_chunks().unique()


def _find_changed_values(store: Store, last_version: int, entity_type: str, rules: Rules) -> pa.Array:
    """Who shares a value of which the holders changed; found in Spark where there are very many values."""
    versions = (None, last_version)
    if store.count(IDENTIFIERS) > MAX_IDENTIFIERS:
        of_type = F.col(c.ENTITY_TYPE) == entity_type
        now, before = (store.read(IDENTIFIERS, version=it).where(of_type) for it in versions)
        return build_changed_values(now, before, rules.types).toArrow()[c.RECORD_KEY].combine_chunks()
    now, before = (fetch_identifiers(store, entity_type, rules.types, version=it) for it in versions)
    return find_changed_values(now, before)


def _recluster(
    context: RunContext, entity_type: str, rules: Rules, labels: pa.Table, clusters: pa.Table, affected: pa.Table
) -> Outcome | None:
    store, keys = context.store, affected[c.RECORD_KEY].combine_chunks()
    config = context.project.match.entities[entity_type].clustering
    members, pairs = fetch_members(store, entity_type, keys, rules), fetch_pairs(store, entity_type, keys)
    links: Mapping[Link, str] = {}
    if rules.types:
        identifiers = fetch_identifiers(store, entity_type, rules.types, keys=keys)
        members = with_unique_identifiers(members, identifiers, rules.unique)
        links = find_identifier_links(identifiers, rules.linking)
        config = config.model_copy(update={"unique": (*config.unique, *rules.unique)})
    if pairs.num_rows + len(links) > MAX_PAIRS:
        return None
    evidence = unite_evidence(pairs, labels, list(links))
    refined = refine_all(members, evidence, config=config, unique_within=(EXCLUSIVE_SOURCE,))
    told = f"local engine, all on the driver: {members.num_rows:,} records, {pairs.num_rows + len(links):,} pairs"
    cuts = store.fetch(CUTS, _CUT, only=_of(entity_type), version=_last_version(context))
    return Outcome(
        f"{told}; incremental: {affected.num_rows:,} records in affected components",
        _with_kept(clusters, refined.select(_CLUSTER), c.RECORD_KEY, keys),
        _with_kept(cuts, unfold_cuts(refined, links), c.RECORD_KEY_L, keys),
        find_reclustered(refined, affected),
    )


def _last_version(context: RunContext) -> int | None:
    return context.last.written[CUTS.name] if context.last else None


def _with_kept(last: pa.Table, made: pa.Table, column: str, affected: pa.Array) -> pa.Table:
    """What no change can alter, and what was made anew."""
    kept = last.filter(pc.invert(pc.is_in(last[column], value_set=affected)))
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
