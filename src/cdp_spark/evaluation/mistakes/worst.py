"""The worst mistakes of a warehouse's last run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.frames import read_current_labels
from cdp_spark.errors import StateError
from cdp_spark.evaluation.figures import RECORD
from cdp_spark.evaluation.mistakes.find import build_uncompared_pairs, build_worst_pairs
from cdp_spark.evaluation.mistakes.tell import read_around, tell_compared, weigh_uncompared
from cdp_spark.resolution.models import newest_model, read_model
from cdp_spark.tables.catalog import CUTS, PAIR_SCORES, RECORDS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from cdp_spark.evaluation.mistakes.words import Mistake
    from cdp_spark.resolution.model import MatchModel
    from cdp_spark.tables.store import Store


@dataclass(frozen=True)
class Wanted:
    """Which mistakes are asked for.

    Args:
        entity_type: person or account.
        threshold_log2: bits from which a pair is an edge.
        limit: mistakes of each kind; false merges, missed and never compared ones are kinds.
        linking: types of identifiers that join records, whatever they weigh.
    """

    entity_type: str
    threshold_log2: float
    limit: int
    linking: tuple[str, ...] = ()


def read_mistakes(store: Store, judged: DataFrame, judged_pairs: DataFrame, wanted: Wanted) -> tuple[Mistake, ...]:
    """Read the worst mistakes and why each was made, false merges first.

    Args:
        store: the warehouse.
        judged: as `evaluation.truth.judge_records` makes it.
        judged_pairs: as `evaluation.pairs.build_judged_pairs` makes them.
        wanted: which.
    """
    if not wanted.limit:
        return ()
    entity_type, threshold = wanted.entity_type, wanted.threshold_log2
    scores, cuts, records = (store.read_of_type(spec, entity_type) for spec in (PAIR_SCORES, CUTS, RECORDS))
    labels = read_current_labels(store)
    worst = build_worst_pairs(
        judged_pairs, scores, cuts, labels, threshold_log2=threshold, limit=wanted.limit
    ).collect()
    version, model = newest_model(store, entity_type)
    versions = {row[c.MODEL_VERSION] for row in worst} - {version}
    models = _older_models(store, entity_type, versions) | ({version: model} if model is not None else {})
    around = read_around(store, worst, linking=wanted.linking)
    told = tell_compared(worst, models, around, threshold_log2=threshold)
    if model is None:
        return told
    held = judged.join(records.select(F.col(c.RECORD_KEY).alias(RECORD)), on=RECORD, how="left_semi")
    return (*told, *weigh_uncompared(records, build_uncompared_pairs(held, scores), model, limit=wanted.limit))


def _older_models(store: Store, entity_type: str, versions: set[int]) -> dict[int, MatchModel]:
    """Models that scored pairs before the newest was fitted, as far as they can be read."""
    found = {}
    for version in versions:
        try:
            found[version] = read_model(store, entity_type, version)
        except StateError:
            continue
    return found
