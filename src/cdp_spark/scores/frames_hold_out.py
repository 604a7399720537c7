"""The people whom a model did not learn from: what it predicted for each, and what happened."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from scipy.special import expit

from cdp_spark import columns as c
from cdp_spark.config.insights.scores import LifetimeValueConfig, ScoreConfig
from cdp_spark.errors import ConfigError
from cdp_spark.insights.leads.evaluation import BINS
from cdp_spark.insights.leads.model import log_odds, read_lead_model
from cdp_spark.insights.leads.snapshots import (
    SNAPSHOT_ROWS,
    SnapshotPlan,
    build_snapshots,
    features_of,
    split_snapshots,
)
from cdp_spark.scores.frames_models import ONE_IN, TIMES, gather_rows
from cdp_spark.scores.lifetime import DATED_HISTORIES, build_histories, day_of, hold_out_rows

if TYPE_CHECKING:
    from cdp_spark.scores.models import Clock, FittedModel
    from cdp_spark.tables.rows import Rows


def build_hold_out(model: FittedModel, events: Rows, clock: Clock) -> pa.Table:
    """Build the hold-out of a version anew, of the events as they are now.

    Args:
        model: a version of a lifetime value or of a probability.
        events: of all people until the version's clock.
        clock: until which it learned.
    Returns: one row a person, for a probability a person and snapshot, the most probable first.
    Raises: ConfigError: models of this kind have no hold-out.
    """
    settings = model.definition.settings
    if isinstance(settings, ScoreConfig):
        return _of_lead(model, settings, events)
    if isinstance(settings, LifetimeValueConfig):
        until = day_of(clock.us, clock.time_zone)
        build = partial(build_histories, settings=settings, until=until, time_zone=clock.time_zone)
        return hold_out_rows(gather_rows(events, build, DATED_HISTORIES))
    allowed = "lifetime_value, or one of `scores`"
    raise ConfigError("cdp insights evaluate --out", got=model.definition.name, allowed=allowed)


def _of_lead(model: FittedModel, settings: ScoreConfig, events: Rows) -> pa.Table:
    lead, times = read_lead_model(model.parameters), tuple(model.parameters[TIMES])
    judged = tuple(times[number] for number in split_snapshots(len(times)).judged)
    plan = SnapshotPlan(settings.outcome, settings.population, lead.features, judged, model.parameters[ONE_IN])
    rows = gather_rows(events, partial(build_snapshots, plan=plan), SNAPSHOT_ROWS)
    rows = rows.sort_by([(c.SNAPSHOT, "ascending"), (c.UNIFIED_ID, "ascending")])
    probability = expit(log_odds(lead, features_of(rows, len(lead.features))))
    order = np.argsort(-probability, kind="stable")
    taken = [len(part) for part in np.array_split(order, BINS)]
    at = pa.array(judged, pa.int64()).cast(pa.timestamp("us", "UTC")).take(rows[c.SNAPSHOT])
    table = pa.table(
        {c.UNIFIED_ID: rows[c.UNIFIED_ID], c.SNAPSHOT_AT: at, c.SCORE: probability, c.OUTCOME: rows[c.OUTCOME]}
    )
    return table.take(pa.array(order)).append_column(c.DECILE, pa.array(np.repeat(np.arange(1, BINS + 1), taken)))
