"""How sure it is that a profile's records are one: the weakest of the links that made them so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdp_spark import columns as c
from cdp_spark.clustering.identifiers.links import find_statements
from cdp_spark.clustering.labels import MUST_LINK
from cdp_spark.explain.merges import CERTAIN, replay_merges, weakest_merge
from cdp_spark.explain.pairs.facts import probability_text
from cdp_spark.view.model import Identity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from cdp_spark.explain.merges import Merge

    Pair = tuple[str, str]


def weigh_links(
    scores: pa.Table, labels: pa.Table, identifiers: pa.Table, *, linking: Sequence[str], keys: Sequence[str]
) -> dict[Pair, float]:
    """Weigh each pair of a profile's records as clustering did; infinite where a rule, a label or an identifier joins.

    Args:
        scores: of pairs of the records: record_key_l, record_key_r, weight_log2, deterministic.
        labels: those in force, that have a record among them.
        identifiers: usable ones, all holders of a value among them: record_key, type, value_hash.
        linking: types of identifiers that join records.
        keys: of the records.
    """
    found = {_pair(it): CERTAIN if it[c.DETERMINISTIC] else it[c.WEIGHT_LOG2] for it in scores.to_pylist()}
    linked = [it for it in labels.to_pylist() if it[c.LABEL] == MUST_LINK]
    statements = find_statements(identifiers, linking=linking, unique=()).to_pylist()
    inside = set(keys)
    certain = {_pair(it) for it in (*linked, *statements) if inside.issuperset(_pair(it))}
    return found | dict.fromkeys(sorted(certain), CERTAIN)


def judge(
    titles: Mapping[str, str], weights: Mapping[Pair, float], *, visitors: int, missing_weight: float
) -> Identity:
    """Say how sure it is that some records are one.

    Args:
        titles: of the records that are compared, by record_key.
        weights: bits of the compared pairs among them; infinite for a certain one.
        visitors: that belong to them.
        missing_weight: what a pair that was never compared counts, bits; negative.
    """
    if len(titles) < 2:
        return Identity(len(titles), visitors, "a single record" if titles else "visitors only, nobody known")
    merges = replay_merges(sorted(titles), weights, missing_weight=missing_weight)
    weakest = weakest_merge(merges)
    if weakest is None or len(merges) < len(titles) - 1:
        return Identity(
            len(titles), visitors, "not known: scores are newer than this release, or another person's record decided"
        )
    left, right = sorted(titles[key] for key in (weakest.strongest.left, weakest.strongest.right))
    bits = None if weakest.mean_log2 == CERTAIN else weakest.mean_log2
    return Identity(len(titles), visitors, _sentence(weakest, (left, right)), (left, right), bits)


def _sentence(weakest: Merge, ends: tuple[str, str]) -> str:
    if weakest.mean_log2 == CERTAIN:
        return "certain: a rule, a label or an identifier joins all records"
    likely = probability_text(weakest.mean_log2)
    return f"weakest link: {ends[0]} and {ends[1]}, probability {likely} ({weakest.mean_log2:+.1f} bits)"


def _pair(row: Mapping[str, Any]) -> Pair:
    return row[c.RECORD_KEY_L], row[c.RECORD_KEY_R]
