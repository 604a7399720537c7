"""The experiments stage: who is in which arm, and what the arms came to.

1. Rows of the last release follow their ids; members who take part and have no arm get one (`assign`).
2. Outcomes after the assignment are summed up by arm and compared with control (`outcomes`, `lift`).

Both tables keep their version where they come out the same. Arms are not looked at where no segment, household or id
changed and no experiment began or ended.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import DataFrame

from cdp_spark import columns as c
from cdp_spark.config.experiments import HOLD_OUT
from cdp_spark.errors import ConfigError
from cdp_spark.experiments.assign import Drawing, assign_arms, find_unknown_arms, splits_of
from cdp_spark.experiments.follow import follow_ids
from cdp_spark.experiments.frames import (
    fetch_moved_ids,
    read_assigned,
    read_everybody,
    read_homes,
    read_members,
    read_outcome_events,
    with_events,
    with_homes,
)
from cdp_spark.experiments.imports import fingerprint, read_assignments
from cdp_spark.experiments.outcomes import SUMS, add_sums, measures_of, sum_outcomes
from cdp_spark.experiments.results import (
    PEOPLE,
    UNKNOWN_ARMS,
    UNKNOWN_RECORDS,
    UNREAD_TIMES,
    build_results,
    figures_of,
    warn,
)
from cdp_spark.experiments.rows import ASSIGNMENTS, CANDIDATES, CLAIMS, HOME
from cdp_spark.id_moves import read_moves
from cdp_spark.limits import ASSIGNED_ON_DRIVER, EVENTS_ON_DRIVER
from cdp_spark.tables.catalog import (
    EXPERIMENT_ASSIGNMENTS,
    EXPERIMENT_RESULTS,
    HOUSEHOLDS,
    ID_REGISTRY,
    PROFILES,
    SEGMENT_MEMBERS,
    UNIFIED_EVENTS,
    UNIFIED_IDS,
)
from cdp_spark.tables.checkpoint import checkpoint
from cdp_spark.tables.increments.basis import empty_tables, keep_table, newest_version_of
from cdp_spark.tables.increments.difference import build_changed_keys
from cdp_spark.tables.increments.serving import count_rows_at_most
from cdp_spark.tables.rows import as_frame, as_table, count_by, map_groups, map_rows, texts, unite
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from datetime import date

    from cdp_spark.config.experiments import ExperimentConfig, ExperimentsConfig
    from cdp_spark.config.project import Project
    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.run import Basis, RunContext

_MEASURED = (c.EXPERIMENT, c.ARM, c.SPLIT, c.UNIT_ID, c.UNIFIED_ID, c.ASSIGNED_AT)
_DECIDE_ARMS = (SEGMENT_MEMBERS, HOUSEHOLDS, ID_REGISTRY)


def settings_of_experiments(project: Project) -> object:
    """What decides about arms and outcomes: the definitions, the files of assignments, and where days begin."""
    files = [it.assignments for it in project.experiments.experiments if it.assignments is not None]
    settings = project.settings
    return [
        project.experiments.model_dump(mode="json"),
        [fingerprint(it, project.folder) for it in files],
        [str(settings.namespace), str(settings.time_zone)],
    ]


def hold_experiments(context: RunContext, basis: Basis) -> bool:
    """Whether the clock stands still, or no experiment is between its first day and the end of its last window."""
    config = context.project.experiments
    if basis.as_of == context.as_of:
        return True
    first, last = context.day_of(basis.as_of), context.today
    spans = [(it.starts, it.ends + timedelta(days=it.outcome.within_days + 1)) for it in config.experiments]
    has_window = config.hold_out is not None and config.hold_out.outcome is not None
    return not has_window and all(last < starts or first > ends for starts, ends in spans)


def run(context: RunContext) -> StageResult:
    """Write who is in which arm, and what the arms came to.

    Raises:
        ConfigError: an arm that has people is not configured any more.
        DataError: a file of assignments cannot be read.
    """
    config = context.project.experiments
    if not _is_configured(config) and not _has_rows(context):
        tables = empty_tables(context, (EXPERIMENT_ASSIGNMENTS, EXPERIMENT_RESULTS))
        return StageResult(tables, detail="no experiments in experiments.yaml")
    figures: dict[str, float] = {}
    assigned = _write_assignments(context, figures)
    results = _measure(context)
    versions = {EXPERIMENT_ASSIGNMENTS.name: assigned, EXPERIMENT_RESULTS.name: _write_results(context, results)}
    people = {f"{PEOPLE}{name}": float(count) for name, count in _count_people(context).items()}
    metrics = {**figures, **people, **figures_of(results.to_pylist())}
    detail = f"{len(config.experiments):,} experiments, {sum(people.values()):,.0f} people in their arms"
    return StageResult(versions, metrics, detail, warn(context.project, metrics))


def _is_configured(config: ExperimentsConfig) -> bool:
    return bool(config.experiments) or config.hold_out is not None


def _has_rows(context: RunContext) -> bool:
    version = context.base_versions.get(EXPERIMENT_ASSIGNMENTS.name)
    return version is not None and context.store.count(EXPERIMENT_ASSIGNMENTS, version=version) > 0


def _fits_on_driver(context: RunContext) -> bool:
    return count_rows_at_most(context.store, PROFILES) <= ASSIGNED_ON_DRIVER


def _write_assignments(context: RunContext, figures: dict[str, float]) -> int:
    """Assign, and write where something changed; returns the table's version and adds figures of the files."""
    if context.basis is not None and _arms_hold(context, context.basis):
        return keep_table(context, EXPERIMENT_ASSIGNMENTS, context.basis)
    on_driver = _fits_on_driver(context)
    released = _released(context, on_driver=on_driver)
    _check_arms(context, released)
    rows = _assign(context, released, figures, on_driver=on_driver)
    if isinstance(rows, DataFrame):
        rows = checkpoint(rows)
    if context.basis is not None and _is_same(rows, released):
        return keep_table(context, EXPERIMENT_ASSIGNMENTS, context.basis)
    return context.store.overwrite(EXPERIMENT_ASSIGNMENTS, rows)


def _arms_hold(context: RunContext, basis: Basis) -> bool:
    """Whether nothing that decides about arms changed; files of assignments may have rows whose time came."""
    config = context.project.experiments
    days = [context.day_of(it) for it in (basis.as_of, context.as_of)]
    moved = any(_is_open(it, days[0]) != _is_open(it, days[1]) for it in config.experiments)
    decide = (*_DECIDE_ARMS, *([PROFILES] if config.hold_out is not None else []))
    same = all(basis.read[it.name] == newest_version_of(context.store, it) for it in decide)
    return same and not moved and not basis.erased and all(it.assignments is None for it in config.experiments)


def _is_open(experiment: ExperimentConfig, day: date) -> bool:
    return experiment.starts <= day <= experiment.ends


def _released(context: RunContext, *, on_driver: bool) -> Rows:
    return (context.fetch_released if on_driver else context.read_released)(EXPERIMENT_ASSIGNMENTS)


def _check_arms(context: RunContext, released: Rows) -> None:
    names = (c.EXPERIMENT, c.ARM, c.END_REASON)
    rows = released.select(*names).distinct() if isinstance(released, DataFrame) else released.select(names)
    unknown = find_unknown_arms(as_table(rows), splits_of(context.project.experiments))
    if unknown:
        name, arms = next(iter(unknown.items()))
        raise ConfigError(
            f"experiments.yaml, experiment {name}",
            got=f"people in the arm {', '.join(arms)}, which is not configured",
            fix="keep the arm's name, with a share of 0 to give it to nobody new; or give the experiment another name",
        )


def _assign(context: RunContext, released: Rows, figures: dict[str, float], *, on_driver: bool) -> Rows:
    store, config = context.store, context.project.experiments
    moves = read_moves(fetch_moved_ids(store, on_driver=on_driver))
    homes = read_homes(store, on_driver=on_driver)
    claims = with_homes(map_rows(released, partial(follow_ids, moves=moves), CLAIMS), homes)
    candidates = _candidates(context, figures, on_driver=on_driver)
    if not on_driver:
        candidates = as_frame(store.spark, candidates)  # those of files are on the driver
    candidates = with_homes(candidates, homes)
    namespace = str(context.project.settings.namespace)
    drawing = Drawing(splits_of(config), namespace, context.ordinal, context.as_of)
    rule = partial(assign_arms, drawing=drawing)
    return map_groups([candidates, claims], HOME, rule, ASSIGNMENTS, row_count=count_rows_at_most(store, PROFILES))


def _candidates(context: RunContext, figures: dict[str, float], *, on_driver: bool) -> Rows:
    """Who takes part now: members of segments, those of files, and of the global hold-out everybody."""
    store, config = context.store, context.project.experiments
    by_segment: defaultdict[str, list[str]] = defaultdict(list)
    parts: list[Rows] = [CANDIDATES.empty_table()]
    for experiment in config.experiments:
        if experiment.segment is not None and _is_open(experiment, context.today):
            by_segment[experiment.segment].append(experiment.name)
        elif experiment.assignments is not None:
            parts.append(_imported(context, experiment, figures))
    if by_segment:
        parts.append(read_members(store, by_segment, on_driver=on_driver))
    if config.hold_out is not None:
        parts.append(read_everybody(store, HOLD_OUT, on_driver=on_driver))
    return unite(store.spark, parts)


def _imported(context: RunContext, experiment: ExperimentConfig, figures: dict[str, float]) -> pa.Table:
    file = experiment.assignments
    if file is None:
        return CANDIDATES.empty_table()
    found = read_assignments(experiment, file, context.project.folder, until=context.as_of)
    keys = found.rows[c.RECORD_KEY].combine_chunks()
    ids = context.store.fetch(UNIFIED_IDS, (c.RECORD_KEY, c.UNIFIED_ID), only={c.RECORD_KEY: keys})
    rows = found.rows.join(ids, keys=c.RECORD_KEY, join_type="inner")
    names = (UNKNOWN_RECORDS, UNKNOWN_ARMS, UNREAD_TIMES)
    counts = (found.rows.num_rows - rows.num_rows, found.unknown_arms, found.unreadable_times)
    figures |= {f"{name}{experiment.name}": float(count) for name, count in zip(names, counts, strict=True)}
    rows = rows.append_column(c.EXPERIMENT, pa.repeat(pa.scalar(experiment.name), rows.num_rows))
    return rows.select(CANDIDATES.names).cast(CANDIDATES)


def _is_same(rows: Rows, released: Rows) -> bool:
    keys, names = EXPERIMENT_ASSIGNMENTS.keys, EXPERIMENT_ASSIGNMENTS.schema.names
    if isinstance(rows, DataFrame) or isinstance(released, DataFrame):
        return bool(build_changed_keys(rows, released, keys, names).isEmpty())
    order = [(name, "ascending") for name in keys]
    one, other = (it.select(names).cast(ASSIGNMENTS).sort_by(order) for it in (rows, released))
    return bool(one.equals(other))


def _measure(context: RunContext) -> pa.Table:
    store, config = context.store, context.project.experiments
    measures = measures_of(config)
    if not measures:
        return EXPERIMENT_RESULTS.table([])
    types = sorted({it for measure in measures.values() for it in measure.events})
    on_driver = _fits_on_driver(context) and count_rows_at_most(store, UNIFIED_EVENTS) <= EVENTS_ON_DRIVER
    events = read_outcome_events(store, types, on_driver=on_driver)
    only = {c.EXPERIMENT: texts(measures)}
    assigned = read_assigned(store, _MEASURED, only=only, on_driver=on_driver)
    rows = with_events(assigned, events, spark=store.spark)
    rule = partial(sum_outcomes, measures=measures, until=context.as_of)
    sums = map_groups([rows], c.UNIT_ID, rule, SUMS, row_count=count_rows_at_most(store, EXPERIMENT_ASSIGNMENTS))
    ended = {it.name for it in config.experiments if context.today > it.ends}
    found = build_results(add_sums(as_table(sums).cast(SUMS)), measures=measures, splits=splits_of(config), ended=ended)
    return EXPERIMENT_RESULTS.table([list(row.values()) for row in found])


def _write_results(context: RunContext, results: pa.Table) -> int:
    if context.basis is not None:
        order = [(name, "ascending") for name in EXPERIMENT_RESULTS.keys]
        before = context.fetch_released(EXPERIMENT_RESULTS).sort_by(order).to_pylist()
        if results.sort_by(order).to_pylist() == before:
            return keep_table(context, EXPERIMENT_RESULTS, context.basis)
    return context.store.overwrite(EXPERIMENT_RESULTS, results)


def _count_people(context: RunContext) -> dict[str, int]:
    """People by experiment, whose rows have no end."""
    rows = read_assigned(context.store, (c.EXPERIMENT,), only={}, on_driver=_fits_on_driver(context))
    return count_by(rows, c.EXPERIMENT)
