"""What keeps two records apart although a must-link joins them: limits go before labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.identifiers.links import linking_types
from cdp_spark.clustering.kinds import PERSON
from cdp_spark.tables.catalog import IDENTIFIERS, RECORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.config.project import Project
    from cdp_spark.labelling.links import Pair
    from cdp_spark.tables.store import Store


def find_obstacle(store: Store, project: Project, pair: Pair) -> str | None:
    """What forbids two records of one entity type to be one, in words; None where nothing does (two actions).

    Args:
        store: the warehouse.
        project: its limits.
        pair: record keys.
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
