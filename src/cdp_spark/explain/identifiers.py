"""What the identifiers of some records say: which of them they join, and what two records have in common."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.frames import build_identifier_links
from cdp_spark.clustering.kinds import PERSON
from cdp_spark.tables.catalog import IDENTIFIERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame

    from cdp_spark.tables.store import Store

Value = tuple[str, str]
"""Type and hash of an identifier."""
Holdings = dict[str, frozenset[Value]]
"""The usable identifiers of records, by record_key."""


def read_holdings(store: Store, keys: Sequence[str]) -> Holdings:
    """The usable identifiers of some records, at most a few thousand (an action)."""
    rows = _usable(store).join(F.broadcast(_as_rows(store, keys)), on=c.RECORD_KEY, how="left_semi").collect()
    found: dict[str, set[Value]] = defaultdict(set)
    for row in rows:
        found[row[c.RECORD_KEY]].add((row[c.TYPE], row[c.VALUE_HASH]))
    return {key: frozenset(values) for key, values in found.items()}


def shared_types(holdings: Mapping[str, frozenset[Value]], one: str, other: str, types: Sequence[str]) -> list[str]:
    """The types of the identifiers that two records have in common, in the order of `types`, others left out."""
    common = {kind for kind, _ in holdings.get(one, frozenset()) & holdings.get(other, frozenset())}
    return [kind for kind in types if kind in common]


def build_links_among(store: Store, keys: Sequence[str], types: Sequence[str]) -> DataFrame:
    """The links that clustering makes of the identifiers of some records of people, whoever else shares these.

    Args:
        store: the warehouse.
        keys: of the records.
        types: of identifiers that join records.
    Returns: one row per pair: record_key_l, record_key_r, identifier_type.
    """
    of_type = _usable(store).where(F.col(c.TYPE).isin(*types))
    named = of_type.join(F.broadcast(_as_rows(store, keys)), on=c.RECORD_KEY, how="left_semi")
    values = named.select(c.TYPE, c.VALUE_HASH).distinct()
    holders = of_type.join(F.broadcast(values), on=[c.TYPE, c.VALUE_HASH], how="left_semi")
    return build_identifier_links(holders.where(F.col(c.ENTITY_TYPE) == PERSON), types)


def _usable(store: Store) -> DataFrame:
    return store.read(IDENTIFIERS).where(c.USABLE)


def _as_rows(store: Store, keys: Sequence[str]) -> DataFrame:
    return store.spark.createDataFrame([(key,) for key in sorted(set(keys))], f"{c.RECORD_KEY} string")
