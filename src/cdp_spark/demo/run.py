"""The demo: make its data, run the nightly job on it, and judge the result by the demo's truth."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cdp_spark import columns as c
from cdp_spark.config.destination import FileDestination
from cdp_spark.config.source import SourceConfig
from cdp_spark.demo.best import Best, find_best
from cdp_spark.demo.generate import DemoSummary, generate
from cdp_spark.demo.outgoing import Outgoing, delivering, find_outgoing
from cdp_spark.errors import ConfigError
from cdp_spark.report import Accuracy, Attribution, measure_accuracy, measure_attribution
from cdp_spark.runs.plan import RunOptions
from cdp_spark.runs.runner import nightly
from cdp_spark.runs.stages import Progress, StageEvent, silent
from cdp_spark.runs.summary import write_run_report
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import EXPERIMENT_RESULTS, RECORDS, UNIFIED_EVENTS, UNIFIED_IDS
from cdp_spark.tables.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyspark.sql import SparkSession

    from cdp_spark.config.experiments import ExperimentConfig
    from cdp_spark.config.project import Project
    from cdp_spark.runs.summary import RunSummary

CLOCK = datetime(2026, 2, 1, 2, tzinfo=UTC)
"""The night after the demo's first delivery, so that the demo ends the same in every year."""
DATA = "data"
_HOME = "../demo"
"""Where the demo's project has its files, from its own folder."""
_MARK = "demo.json"
_INSIGHTS = ("scores", "offers")
"""Stages whose warnings say what the models lack."""
_VISITORS_SCHEMA = "visitor_type string, visitor_id string, entity_id string, household_id string, people int"
_TRUTH_SCHEMA = "source string, source_record_id string, entity_type string, entity_id string, household_id string"


Located = TypeVar("Located", SourceConfig, FileDestination)


@dataclass(frozen=True)
class DemoOutcome:
    """What the demo came to.

    Args:
        data: what was generated.
        run: of the nightly job.
        accuracy: against the truth, by entity type.
        warehouse: folder of the tables.
        exports: the folders that segments were written to.
        attribution: events against the truth.
        best: whom the models put first.
        experiments: rows of `experiment_results`, by experiment, control first.
        outgoing: what the segments share, and what came to a receiver on this machine.
    """

    data: DemoSummary
    run: RunSummary
    accuracy: tuple[Accuracy, ...]
    warehouse: Path
    exports: tuple[Path, ...]
    attribution: Attribution
    best: Best
    outgoing: Outgoing
    experiments: tuple[Mapping[str, Any], ...] = ()


def run_demo(
    spark: SparkSession, project: Project, *, people: int, seed: int, out: Path, progress: Progress = silent
) -> DemoOutcome:
    """Make the demo's data in `out`, run `project` on it, and write the run's report.

    Args:
        spark: the session.
        project: the demo's, moved to `out`: see `move_project`.
        people: how many to make.
        seed: the same seed makes the same people.
        out: the demo's folder.
        progress: told each stage's states.
    Returns: figures and places.
    Raises: ConfigError: `out` holds a demo of other people.
    """
    claim_folder(out, people=people, seed=seed)
    data = make_data(out / DATA, people=people, seed=seed, progress=progress)
    store = open_store(spark, project)
    with delivering(project) as (sending, receiver):
        run = nightly(store, sending, RunOptions(as_of=CLOCK, report=False, progress=progress))
    judged = judge(store, out / DATA / "truth", run)
    report = write_run_report(store, project, run, accuracy=judged["accuracy"])
    return DemoOutcome(
        data=data,
        run=replace(run, report=report),
        warehouse=Path(store.location),
        exports=tuple(_resolved(project, each.path) for each in project.destinations.files),
        best=_best(store, project, run),
        experiments=_experiments(store, run),
        outgoing=find_outgoing(store, receiver, run_id=run.run.run_id, versions=_versions(run)),
        **judged,
    )


def _best(store: Store, project: Project, run: RunSummary) -> Best:
    stages = [it for it in run.outcomes if it.stage in _INSIGHTS]
    return find_best(store, project, versions=_versions(run), missing=tuple(w for it in stages for w in it.warnings))


def _versions(run: RunSummary) -> Mapping[str, int]:
    return run.release.versions if run.release else {}


def _experiments(store: Store, run: RunSummary) -> tuple[Mapping[str, Any], ...]:
    version = run.release.versions.get(EXPERIMENT_RESULTS.name) if run.release else None
    rows = [] if version is None else store.fetch(EXPERIMENT_RESULTS, version=version).to_pylist()
    return tuple(sorted(rows, key=lambda it: (it[c.EXPERIMENT], it[c.STATUS] != "control", it[c.ARM])))


def judge(store: Store, truth: Path, run: RunSummary) -> dict[str, Any]:
    """Compare what a run published with the demo's truth: `accuracy` and `attribution` of the outcome."""
    versions = _versions(run)
    figures: dict[str, Callable[[], Any]] = {
        "accuracy": partial(score_against_truth, store, truth / "records.csv", version=versions.get(UNIFIED_IDS.name)),
        "attribution": partial(score_events, store, truth, versions=versions),
    }
    return run_together(store.spark, figures)


def make_data(folder: Path, *, people: int, seed: int, progress: Progress) -> DemoSummary:
    """Generate the demo's data, told as a stage."""
    progress(StageEvent("demo data", "started"))
    started = time.monotonic()
    data = generate(folder, people=people, seed=seed)
    seconds, rows = time.monotonic() - started, sum(data.rows.values())
    progress(StageEvent("demo data", "finished", rows, seconds, f"{data.people:,} people, {data.accounts:,} companies"))
    return data


def claim_folder(out: Path, *, people: int, seed: int) -> None:
    """Note in the folder whose demo it holds; the same demo may run in it again, as another night.

    Raises:
        ConfigError: it holds a demo of other people, all of whom would get new ids.
    """
    mark, wanted = out / _MARK, {"people": people, "seed": seed}
    found = json.loads(mark.read_text(encoding="utf-8")) if mark.exists() else wanted
    if found != wanted:
        held = ", ".join(f"{name} {value}" for name, value in found.items())
        raise ConfigError(f"--out {out}", got=f"the demo of {held}", fix="remove that folder, or name another one")
    out.mkdir(parents=True, exist_ok=True)
    mark.write_text(json.dumps(wanted) + "\n", encoding="utf-8")


def move_project(project: Project, out: Path) -> Project:
    """The demo's project with all that it reads and writes in `out`.

    Raises:
        ConfigError: the project is not the demo's.
    """
    settings = project.settings
    if settings.warehouse.path is None or not _is_demo(settings.warehouse.path):
        got = f"the project {settings.name}, whose tables are not in {_HOME}"
        raise ConfigError("cdp demo", got=got, allowed="the demo's project, conf/", fix="cdp run nightly runs your own")
    warehouse = settings.warehouse.model_copy(update={"path": _moved(settings.warehouse.path, out)})
    files = (_at(each, _moved(each.path, out)) for each in project.destinations.files)
    destinations = (*files, *project.destinations.rows)
    return project.model_copy(
        update={
            "settings": settings.model_copy(
                update={"warehouse": warehouse, "report": _moved(settings.report or f"{_HOME}/report", out)}
            ),
            "sources": tuple(_at(each, _moved(each.path, out)) if each.path else each for each in project.sources),
            "experiments": project.experiments.model_copy(
                update={"experiments": tuple(_with_file(each, out) for each in project.experiments.experiments)}
            ),
            "destinations": project.destinations.model_copy(update={"destinations": destinations}),
        }
    )


def _with_file(experiment: ExperimentConfig, out: Path) -> ExperimentConfig:
    file = experiment.assignments
    if file is None:
        return experiment
    moved = file.model_copy(update={"path": _moved(file.path, out)})
    return experiment.model_copy(update={"assignments": moved})


def _is_demo(path: str) -> bool:
    return Path(path).is_relative_to(_HOME)


def _moved(path: str, out: Path) -> str:
    return str((out / Path(path).relative_to(_HOME)).absolute()) if _is_demo(path) else path


def _at(section: Located, path: str) -> Located:
    return section.model_copy(update={"path": path})


def _resolved(project: Project, path: str) -> Path:
    return (Path(project.folder) / path).resolve()


def score_against_truth(store: Store, truth: Path, *, version: int | None) -> tuple[Accuracy, ...]:
    """Compare a release's unified ids with the demo's truth."""
    told = store.spark.read.csv(str(truth), header=True, schema=_TRUTH_SCHEMA, enforceSchema=False)
    return measure_accuracy(store.read(UNIFIED_IDS, version=version), store.read(RECORDS), told)


def score_events(store: Store, truth: Path, *, versions: Mapping[str, int]) -> Attribution:
    """Compare a release's events with the demo's truth of browsers and devices."""
    read = store.spark.read
    records = read.csv(str(truth / "records.csv"), header=True, schema=_TRUTH_SCHEMA, enforceSchema=False)
    visitors = read.csv(str(truth / "visitors.csv"), header=True, schema=_VISITORS_SCHEMA, enforceSchema=False)
    return measure_attribution(
        store.read(UNIFIED_EVENTS, version=versions.get(UNIFIED_EVENTS.name)),
        store.read(UNIFIED_IDS, version=versions.get(UNIFIED_IDS.name)),
        store.read(RECORDS),
        records,
        visitors,
    )
