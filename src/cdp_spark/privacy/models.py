"""Match models without values that nobody has but the people."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.resolution.comparing.comparisons import words_of
from cdp_spark.resolution.frames import build_features
from cdp_spark.resolution.model import model_from_json
from cdp_spark.tables.catalog import MATCH_MODELS, RECORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column, DataFrame

    from cdp_spark.privacy.people.requests import People
    from cdp_spark.resolution.model import MatchModel
    from cdp_spark.tables.run import RunContext

_TERM = "term"


def forget_values(context: RunContext, people: People) -> int:
    """Take values that nobody else has out of the frequencies of all models; returns how many models had some.

    A model lists the values that many records share, in a small warehouse also those of a single one, and people may
    have had others when it was fitted. What nobody has weighs in no pair, so all weights stay.
    """
    changed = []
    for row in context.store.fetch(MATCH_MODELS, (c.ENTITY_TYPE, c.MODEL_VERSION, c.MODEL_JSON)).to_pylist():
        where = f"match model {row[c.MODEL_VERSION]} of {row[c.ENTITY_TYPE]}"
        model = model_from_json(row[c.MODEL_JSON], where=where)
        records = context.read_released(RECORDS).where(F.col(c.ENTITY_TYPE) == row[c.ENTITY_TYPE])
        others = records.join(F.broadcast(people.keys_frame(context.store)), on=c.RECORD_KEY, how="left_anti")
        kept = keep_borne(model, others)
        if kept != model.frequencies:
            changed.append(row | {c.MODEL_JSON: replace(model, frequencies=kept).to_json()})
    if changed:
        _update(context, changed)
    return len(changed)


def keep_borne(model: MatchModel, records: DataFrame) -> dict[str, dict[str, int]]:
    """The model's frequencies of the values that a record has (an action).

    Args:
        model: of a type of records.
        records: all of the type but those of the people.
    """
    features = build_features(records, model.match)
    terms = _terms(features, model.frequencies)
    if not terms:
        return model.frequencies
    pairs = [(name, value) for name in terms for value in model.frequencies[name]]
    listed = records.sparkSession.createDataFrame(pairs, f"{c.NAME} string, {_TERM} string")
    named = F.explode(F.array(*[_named(name, values) for name, values in terms.items()])).alias("named")
    flat = features.select(named).select(f"named.{c.NAME}", F.explode(f"named.{_TERM}s").alias(_TERM))
    found = flat.join(F.broadcast(listed), on=[c.NAME, _TERM], how="left_semi").distinct().collect()
    borne = {(row[c.NAME], row[_TERM]) for row in found}
    return {
        name: {value: its for value, its in bins.items() if name not in terms or (name, value) in borne}
        for name, bins in model.frequencies.items()
    }


def _terms(features: DataFrame, frequencies: Mapping[str, Mapping[str, int]]) -> dict[str, Column]:
    """What each of the lists is about, an array: a column's text, or its words."""
    found: dict[str, Column] = {}
    for name in features.columns:
        if frequencies.get(name):
            found[name] = F.array_compact(F.array(name))
        if frequencies.get(words_of(name)):
            found[words_of(name)] = F.coalesce(F.split(name, r"\s+"), F.array().cast("array<string>"))
    return found


def _named(name: str, values: Column) -> Column:
    return F.struct(F.lit(name).alias(c.NAME), values.alias(f"{_TERM}s"))


def _update(context: RunContext, changed: list[dict[str, object]]) -> None:
    schema = ", ".join(f"{name} {MATCH_MODELS.schema[name].dataType.simpleString()}" for name in changed[0])
    rows = context.store.spark.createDataFrame([tuple(row.values()) for row in changed], schema)
    rows = rows.toDF(*(f"new_{name}" for name in rows.columns))
    same = [F.col(key) == F.col(f"new_{key}") for key in MATCH_MODELS.keys]
    merge = rows.mergeInto(context.store.name_to_change(MATCH_MODELS), same[0] & same[1])
    merge.whenMatched().update({c.MODEL_JSON: F.col(f"new_{c.MODEL_JSON}")}).merge()
    context.store.guard.note_newest(MATCH_MODELS.name)
