"""Why each of the worst mistakes was made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.kinds import VISITOR
from cdp_spark.evaluation.mistakes.find import EVIDENCE, PLACE
from cdp_spark.evaluation.mistakes.words import (
    FALSE,
    MISSED,
    Decided,
    Mistake,
    Part,
    parts_against,
    parts_for,
    why_false,
    why_missed,
)
from cdp_spark.evaluation.pairs import BELOW, IS_TRUE
from cdp_spark.explain.chain import Link, strongest_chain
from cdp_spark.explain.compare import contributions, read_comparable, weigh_pairs
from cdp_spark.explain.identifiers import read_holdings, shared_types
from cdp_spark.explain.pairs.facts import RELATED
from cdp_spark.explain.pairs.surroundings import MAX_RECORDS, read_links, read_members
from cdp_spark.explain.pairs.verdict import not_compared_words
from cdp_spark.resolution.patterns import from_texts
from cdp_spark.resolution.scoring import certain_rules
from cdp_spark.tables.catalog import CLUSTERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from pyspark.sql import DataFrame, Row

    from cdp_spark.resolution.model import MatchModel
    from cdp_spark.tables.store import Store

_Pair = tuple[str, str]


@dataclass(frozen=True)
class Around:
    """What is around the false merges.

    Args:
        identifiers: types of identifiers that join records and that both records of a pair have, by pair.
        chains: the strongest chain of each pair that others join.
    """

    identifiers: Mapping[_Pair, Sequence[str]] = field(default_factory=dict)
    chains: Mapping[_Pair, Sequence[Link]] = field(default_factory=dict)


def read_around(store: Store, worst: Sequence[Row], *, linking: Sequence[str]) -> Around:
    """Read what joins the false merges besides their weight (up to four small actions).

    Args:
        store: the warehouse.
        worst: rows of `build_worst_pairs`.
        linking: types of identifiers that join records.
    """
    false = [_pair(row) for row in worst if not row[IS_TRUE]]
    holdings = read_holdings(store, [key for pair in false for key in pair]) if linking and false else {}
    shared = {pair: tuple(shared_types(holdings, *pair, linking)) for pair in false}
    below = [_pair(row) for row in worst if not row[IS_TRUE] and row[EVIDENCE] == BELOW and not shared[_pair(row)]]
    return Around(shared, _read_chains(store, below, linking))


def _read_chains(store: Store, pairs: Sequence[_Pair], linking: Sequence[str]) -> dict[_Pair, tuple[Link, ...]]:
    """The strongest chain of each pair; none where the clusters are too large to bring to the driver."""
    if not pairs:
        return {}
    placed = store.read(CLUSTERS).where(F.col(c.RECORD_KEY).isin(sorted({left for left, _ in pairs})))
    clusters = [row[0] for row in placed.select(c.CLUSTER).distinct().collect()]
    members = read_members(store, clusters)
    names = [key for key, (record, _) in members.items() if record.entity_type != VISITOR]
    if len(members) > MAX_RECORDS:
        return {}
    links = [Link(*ends, weight) for ends, weight in read_links(store, names, linking=linking).items()]
    return {pair: strongest_chain(links, *pair) for pair in pairs}


def tell_compared(
    worst: Sequence[Row], models: Mapping[int, MatchModel], around: Around, *, threshold_log2: float
) -> tuple[Mistake, ...]:
    """Say why each of the worst compared pairs was decided wrongly, false merges first.

    Args:
        worst: rows of `build_worst_pairs`.
        models: by version; of a pair whose model is not among them, no comparisons are told.
        around: what joins the false merges besides their weight.
        threshold_log2: bits from which a pair is an edge.
    """
    rows = sorted(worst, key=lambda row: (row[IS_TRUE], row[PLACE]))
    return tuple(_tell(row, models.get(row[c.MODEL_VERSION]), around, threshold_log2) for row in rows)


def _tell(row: Row, model: MatchModel | None, around: Around, threshold_log2: float) -> Mistake:
    pair, weight = _pair(row), float(row[c.WEIGHT_LOG2])
    rules = _certain_names(model, row) if model is not None else ()
    shared = around.identifiers.get(pair, ())
    decided = Decided(weight, row[EVIDENCE], rules, shared, cut=row[c.REASON], label=row[c.LABEL])
    parts = _stored_parts(row, model) if model is not None else ()
    if row[IS_TRUE]:
        return Mistake(MISSED, *pair, weight, why_missed(decided, threshold_log2=threshold_log2), parts_against(parts))
    chain = around.chains.get(pair, ())
    through = (*(it.left for it in chain), pair[1]) if len(chain) > 1 else ()
    return Mistake(
        FALSE, *pair, weight, why_false(decided, chain, threshold_log2=threshold_log2), parts_for(parts), through
    )


def _certain_names(model: MatchModel, row: Row) -> tuple[str, ...]:
    levels = from_texts([row[c.LEVELS]], len(model.match.comparisons))
    return model.rules_in(int(certain_rules(model.match, np.array([row[c.RULE_MASK]]), levels)[0]))


def weigh_uncompared(records: DataFrame, pairs: DataFrame, model: MatchModel, *, limit: int) -> tuple[Mistake, ...]:
    """The heaviest of a few pairs that were never compared, and why no rule found them (two actions).

    Args:
        records: one row per record_key, cleaned.
        pairs: record_key_l, record_key_r; a few hundred at most.
        model: weighs them, as if its rarest rule had found them.
        limit: mistakes that are told.
    """
    keys = [(row[0], row[1]) for row in pairs.collect()]
    if not keys:
        return ()
    wanted = F.col(c.RECORD_KEY).isin(sorted({key for pair in keys for key in pair}))
    comparable = read_comparable(records.where(wanted), model)
    place = {key: number for number, key in enumerate(comparable[c.RECORD_KEY].to_pylist())}
    left, right = (np.array([place[pair[side]] for pair in keys], dtype=np.int64) for side in (0, 1))
    weighed = weigh_pairs(comparable, model, left, right)
    weights = weighed.weight_log2.tolist()
    found = []
    for at in sorted(range(len(keys)), key=lambda it: (-weights[it], keys[it]))[:limit]:
        rules, purged = (model.rules_in(int(mask[at])) for mask in (weighed.rule_mask, weighed.purged_mask))
        reason = f"never compared: {not_compared_words(rules, purged)}"
        parts = parts_for(_parts(model, weighed.levels[at], weighed.contributions[at]))
        found.append(Mistake(MISSED, *keys[at], weights[at], reason, parts))
    return tuple(found)


def _pair(row: Row) -> _Pair:
    return row[c.RECORD_KEY_L], row[c.RECORD_KEY_R]


def _stored_parts(row: Row, model: MatchModel) -> tuple[Part, ...]:
    levels = from_texts([row[c.LEVELS]], len(row[c.LEVELS]))
    return _parts(model, levels[0], contributions(model, np.array([row[c.RULE_MASK]], dtype=np.int64), levels)[0])


def _parts(model: MatchModel, levels: NDArray[np.int64], bits: NDArray[np.float64]) -> tuple[Part, ...]:
    """What each comparison says, and the correction for related people; not the prior, which is of the rules."""
    compared = enumerate(zip(model.match.comparisons, levels.tolist(), strict=True))
    parts = [Part(it.name, model.level_names[at][level], float(bits[at + 1])) for at, (it, level) in compared]
    return (*parts, Part(RELATED, "or two of one household", float(bits[-1])))
