"""Saved versions of models: which one is applied, and how the next one is fitted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark import limits
from cdp_spark.config.insights.scores import ContractsConfig, LifetimeValueConfig, ScoreConfig
from cdp_spark.errors import DataError
from cdp_spark.insights.leads.features import choose_features
from cdp_spark.insights.leads.model import fit_lead
from cdp_spark.insights.leads.snapshots import SNAPSHOT_ROWS, SnapshotPlan, build_snapshots, snapshot_times
from cdp_spark.scores.contracts import CONTRACT_ROWS, build_contracts, fit_contract_model
from cdp_spark.scores.frames import apply_to_people, count_occurring, count_people
from cdp_spark.scores.lifetime import DATED_HISTORIES, build_histories, day_of, fit_lifetime
from cdp_spark.scores.models import Clock, Definition, FittedModel
from cdp_spark.tables.catalog import SCORE_MODELS
from cdp_spark.tables.rows import as_table, count_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.store import Store

ONE_IN, TIMES = "one_in", "times_us"


@dataclass(frozen=True)
class NewModel:
    """A version that is not saved yet.

    Args:
        model: with what it learned.
        evaluation: how well it predicts data that it was not fitted on, as plain values.
    """

    model: FittedModel
    evaluation: Mapping[str, Any]


def read_versions(store: Store) -> list[dict[str, Any]]:
    """Read all versions of all models, by model, the newest first."""
    rows = store.fetch(SCORE_MODELS).to_pylist()
    return sorted(rows, key=lambda row: (row[c.MODEL], -row[c.VERSION]))


def find_applied(versions: Sequence[Mapping[str, Any]], definition: Definition) -> FittedModel | None:
    """Find the version that a night applies: the newest one of the present definition; None where there is none.

    Args:
        versions: as `read_versions` gives them.
        definition: of the model.
    """
    for row in versions:
        if row[c.MODEL] == definition.name and row[c.DEFINITION_HASH] == definition.hash:
            return FittedModel(definition, row[c.VERSION], json.loads(row[c.PARAMETERS]))
    return None


def next_version(versions: Sequence[Mapping[str, Any]], name: str) -> int:
    """Return the number of a model's next version."""
    return max((row[c.VERSION] for row in versions if row[c.MODEL] == name), default=0) + 1


def fit_model(definition: Definition, version: int, events: Rows, clock: Clock) -> NewModel:
    """Fit a version to the events of all people.

    Args:
        definition: of a model that gives scores.
        version: its number.
        events: of all people until the clock.
        clock: the time.
    Raises: DataError: too little history; the message names what is missing.
    """
    settings = definition.settings
    if isinstance(settings, LifetimeValueConfig):
        until = day_of(clock.us, clock.time_zone)
        build = partial(build_histories, settings=settings, until=until, time_zone=clock.time_zone)
        found = fit_lifetime(gather_rows(events, build, DATED_HISTORIES), settings)
    elif isinstance(settings, ContractsConfig):
        contracts = partial(build_contracts, settings=settings, until_us=clock.us)
        found = fit_contract_model(gather_rows(events, contracts, CONTRACT_ROWS), settings)
    elif isinstance(settings, ScoreConfig):
        found = _fit_lead(settings, events, clock)
    else:
        raise TypeError(definition.kind)
    return NewModel(FittedModel(definition, version, found[0]), found[1])


def rows_of(models: Sequence[NewModel], *, as_of: datetime, run_id: str) -> pa.Table:
    """Make the rows of `score_models`.

    Args:
        models: new ones.
        as_of: the clock until which events counted.
        run_id: of who fitted them.
    """
    now = datetime.now(UTC)
    rows = [
        (
            it.model.definition.name,
            it.model.version,
            it.model.definition.kind,
            as_of,
            now,
            run_id,
            it.model.definition.hash,
            json.dumps(it.model.parameters, allow_nan=False),
            json.dumps(it.evaluation, allow_nan=False),
        )
        for it in models
    ]
    return SCORE_MODELS.table(rows)


def _fit_lead(settings: ScoreConfig, events: Rows, clock: Clock) -> tuple[dict[str, Any], dict[str, Any]]:
    occurring, first = count_occurring(events)
    if first is None:
        raise DataError(
            f"score {settings.name}", got="no events of anybody", fix="load events, and run the nightly job"
        )
    features = choose_features(occurring, settings.features)
    times = snapshot_times(settings, first_us=_us(first), until_us=clock.us)
    one_in = count_people(events) * len(times) // limits.SNAPSHOTS_ON_DRIVER + 1
    plan = SnapshotPlan(settings.outcome, settings.population, features, times, one_in)
    rows = gather_rows(events, partial(build_snapshots, plan=plan), SNAPSHOT_ROWS)
    model, evaluation = fit_lead(settings.name, rows, features, snapshots=len(times))
    return {**model.facts(), TIMES: times, ONE_IN: one_in}, evaluation.facts()


def gather_rows(events: Rows, rule: Callable[[pa.Table], pa.Table], schema: pa.Schema) -> pa.Table:
    """Apply a rule to the events of whole people, and fetch what it gives (an action).

    Args:
        events: of people.
        rule: takes their events and gives rows of the schema.
        schema: of what it gives.
    """
    table = as_table(apply_to_people(events, rule, schema, row_count=count_rows(events)))
    return table.cast(schema)


def _us(moment: datetime) -> int:
    return int(pa.scalar(moment, pa.timestamp("us", "UTC")).cast(pa.int64()).as_py())
