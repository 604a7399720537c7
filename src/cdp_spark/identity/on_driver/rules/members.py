"""Clusters as identity sees them; as `members` builds them in Spark."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from cdp_spark.identity.on_driver.rules.rows import Member
from cdp_spark.identity.terms import VISITOR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdp_spark.identity.on_driver.rules.rows import Key

Place = tuple[bool, str, str | None]
"""Whether it is of accounts, a cluster, and where that is held for its size the part of it."""


def build_members(
    clusters: Sequence[tuple[str, str, str]], previous_ids: Mapping[Key, str], *, max_records: int
) -> list[Member]:
    """Name each cluster by its smallest record key and put yesterday's id beside each record.

    Args:
        clusters: record_key, entity_type, cluster of whole clusters.
        previous_ids: yesterday's ids by record.
        max_records: records; a larger cluster is held.
    Returns: one row per record of `clusters`, in the same order.
    """
    sizes = Counter((kind == "account", cluster) for _, kind, cluster in clusters if kind != VISITOR)
    places: list[Place] = []
    first_keys: dict[Place, str] = {}
    for record, kind, cluster in clusters:
        is_account = kind == "account"
        is_held = sizes[is_account, cluster] > max_records
        place = is_account, cluster, previous_ids.get((record, kind), record) if is_held else None
        places.append(place)
        first_keys[place] = min(first_keys.get(place, record), record)
    return [
        Member(record, kind, previous_ids.get((record, kind)), first_keys[place], is_held=place[2] is not None)
        for (record, kind, _), place in zip(clusters, places, strict=True)
    ]
