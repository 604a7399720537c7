"""Explain one pair of records from the tables of the last run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

import numpy as np
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.errors import DataError, StateError
from cdp_spark.explain.compare import contributions, read_comparable, weigh_pairs
from cdp_spark.explain.identifiers import read_holdings, shared_types
from cdp_spark.explain.pairs.facts import (
    PRIOR,
    RELATED,
    Contribution,
    LabelFact,
    PairExplanation,
    RecordName,
    only_one_type,
)
from cdp_spark.explain.pairs.surroundings import read_surroundings
from cdp_spark.resolution.model import MatchModel, model_from_json
from cdp_spark.resolution.models import newest_model
from cdp_spark.resolution.patterns import from_texts
from cdp_spark.resolution.scoring import certain_rules
from cdp_spark.tables.catalog import LABELS, MATCH_MODELS, PAIR_SCORES, RECORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray
    from pyspark.sql import DataFrame, Row

    from cdp_spark.config.match import ClusteringConfig
    from cdp_spark.explain.compare import Weighed
    from cdp_spark.tables.store import Store

MAX_CHOICE = 200
"""Records a side among which the strongest pair is looked for."""


def explain_pair(
    store: Store,
    lefts: Sequence[RecordName],
    rights: Sequence[RecordName],
    *,
    clustering: ClusteringConfig,
    linking: Sequence[str] = (),
) -> PairExplanation:
    """Explain a pair; of several records a side, the pair that weighs the most.

    Args:
        store: the warehouse.
        lefts: records on one side, at least one.
        rights: records on the other side, at least one.
        clustering: where the threshold is.
        linking: types of identifiers that join records, whatever they weigh.

    Raises:
        DataError: both sides are one record, or of two entity types.
        StateError: no model was fitted yet.
    """
    entity_type = only_one_type([*lefts, *rights])
    sides = tuple(lefts[:MAX_CHOICE]), tuple(rights[:MAX_CHOICE])
    version, model = newest_model(store, entity_type)
    comparable = _comparable(store, [*sides[0], *sides[1]], _fitted(model, entity_type))
    pair = _strongest(comparable, _fitted(model, entity_type), *sides)
    score = _score(store, pair)
    if score is not None and score[c.MODEL_VERSION] != version:
        version = score[c.MODEL_VERSION]
        model = _model_of(store, entity_type, version)
        comparable = _comparable(store, pair, model)
    weighing = _Weighing(_fitted(model, entity_type), version, comparable, score)
    return _explain(store, pair, weighing, clustering, linking)


@dataclass(frozen=True)
class _Weighing:
    """What a pair is weighed by.

    Args:
        model: the model.
        version: of the model.
        comparable: the records in match form.
        score: the pair's row of `pair_scores`; None where it was never compared.
    """

    model: MatchModel
    version: int
    comparable: pa.Table
    score: Row | None


def _explain(
    store: Store,
    pair: tuple[RecordName, RecordName],
    weighing: _Weighing,
    clustering: ClusteringConfig,
    linking: Sequence[str],
) -> PairExplanation:
    model, score = weighing.model, weighing.score
    now = _weigh(weighing.comparable, model, [pair])
    mask, levels = (now.rule_mask, now.levels) if score is None else _stored(score)
    bits = contributions(model, mask, levels)[0]
    certain = certain_rules(model.match, mask, levels)
    return PairExplanation(
        left=pair[0],
        right=pair[1],
        model_version=weighing.version,
        threshold_log2=clustering.threshold_log2,
        scored=score is not None,
        rules=model.rules_in(int(mask[0])),
        deterministic_rules=model.rules_in(int(certain[0])),
        purged_rules=model.rules_in(int(now.purged_mask[0])),
        shared_identifiers=_shared(store, pair, linking),
        contributions=_contributions(model, _rows(store, pair), int(mask[0]), levels[0], bits),
        labels=_labels(store, pair),
        surroundings=read_surroundings(store, pair, linking=linking),
    )


def _shared(store: Store, pair: tuple[RecordName, RecordName], linking: Sequence[str]) -> tuple[str, ...]:
    keys = [it.record_key for it in pair]
    return tuple(shared_types(read_holdings(store, keys), keys[0], keys[1], linking)) if linking else ()


def _stored(score: Row) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.array([score[c.RULE_MASK]], dtype=np.int64), from_texts([score[c.LEVELS]], len(score[c.LEVELS]))


def _comparable(store: Store, names: Sequence[RecordName], model: MatchModel) -> pa.Table:
    return read_comparable(_of(store.read(RECORDS), names), model)


def _of(frame: DataFrame, names: Sequence[RecordName]) -> DataFrame:
    return frame.where(F.col(c.RECORD_KEY).isin(sorted({it.record_key for it in names})))


def _weigh(comparable: pa.Table, model: MatchModel, pairs: Sequence[tuple[RecordName, RecordName]]) -> Weighed:
    place = {key: number for number, key in enumerate(comparable[c.RECORD_KEY].to_pylist())}
    left, right = (np.array([place[pair[side].record_key] for pair in pairs], dtype=np.int64) for side in (0, 1))
    return weigh_pairs(comparable, model, left, right)


def _strongest(
    comparable: pa.Table, model: MatchModel, lefts: Sequence[RecordName], rights: Sequence[RecordName]
) -> tuple[RecordName, RecordName]:
    """The pair that weighs the most, smaller key first; pairs that share a rule before those that share none."""
    pairs = [_ordered(a, b) for a in lefts for b in rights if a.record_key != b.record_key]
    if not pairs:
        raise DataError("two records", got=f"record {lefts[0].record_key} twice", fix="name two, or use `cdp how`")
    weighed = _weigh(comparable, model, pairs)
    rank = np.lexsort((-weighed.weight_log2, weighed.rule_mask == 0))
    return pairs[int(rank[0])]


def _ordered(a: RecordName, b: RecordName) -> tuple[RecordName, RecordName]:
    return (a, b) if a.record_key < b.record_key else (b, a)


def _score(store: Store, pair: tuple[RecordName, RecordName]) -> Row | None:
    of_pair = (F.col(c.RECORD_KEY_L) == pair[0].record_key) & (F.col(c.RECORD_KEY_R) == pair[1].record_key)
    rows = store.read(PAIR_SCORES).where(of_pair).orderBy(F.desc(c.MODEL_VERSION)).limit(1).collect()
    return rows[0] if rows else None


def _fitted(model: MatchModel | None, entity_type: str) -> MatchModel:
    if model is None:
        raise StateError(f"match model of {entity_type}", got="none yet", fix="run `cdp run nightly` first")
    return model


def _model_of(store: Store, entity_type: str, version: int) -> MatchModel:
    wanted = (F.col(c.ENTITY_TYPE) == entity_type) & (F.col(c.MODEL_VERSION) == version)
    rows = store.read(MATCH_MODELS).where(wanted).limit(1).collect()
    if not rows:
        got = f"pairs scored by model {version} of {entity_type}, which is gone"
        raise StateError("table match_models", got=got, fix="`cdp run nightly` scores them anew")
    return model_from_json(rows[0][c.MODEL_JSON], where=f"match model {version} of {entity_type}")


def _rows(store: Store, pair: tuple[RecordName, RecordName]) -> tuple[Row, Row]:
    rows = {row[c.RECORD_KEY]: row for row in _of(store.read(RECORDS), pair).collect()}
    return rows[pair[0].record_key], rows[pair[1].record_key]


def _contributions(
    model: MatchModel, rows: tuple[Row, Row], mask: int, levels: NDArray[np.int64], bits: NDArray[np.float64]
) -> tuple[Contribution, ...]:
    on = [rule for rule in range(len(model.rule_names)) if mask >> rule & 1]
    counted = model.kept * ((~model.forced[on]).mean(axis=0) if on else 1.0)
    word = f"{len(on)} rules, averaged" if len(on) > 1 else ("1 rule" if on else "no rule: the lowest prior")
    found = [Contribution(PRIOR, word, (), (), float(bits[0]), 1.0)]
    for number, comparison in enumerate(model.match.comparisons):
        left, right = (tuple(value_of(row, name) for name in comparison.columns) for row in rows)
        level = model.level_names[number][int(levels[number])]
        found.append(Contribution(comparison.name, level, left, right, float(bits[number + 1]), float(counted[number])))
    if model.parameters.related is not None:
        found.append(Contribution(RELATED, "or two of one household", (), (), float(bits[-1]), 1.0))
    return tuple(found)


def value_of(record: Row, column: str) -> str:
    """A record's value as text, from its own columns or its map of attributes; empty where it has none."""
    value = record[column] if column in record else (record[c.ATTRIBUTES] or {}).get(column)
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return "" if value is None else str(value)


def _labels(store: Store, pair: tuple[RecordName, RecordName]) -> tuple[LabelFact, ...]:
    of_pair = (F.col(c.RECORD_KEY_L) == pair[0].record_key) & (F.col(c.RECORD_KEY_R) == pair[1].record_key)
    rows = store.read(LABELS).where(of_pair).orderBy(F.desc(c.AT), c.LABEL).collect()
    return tuple(LabelFact(row[c.LABEL], row[c.AUTHOR], row[c.REASON] or "", row[c.AT].astimezone(UTC)) for row in rows)
