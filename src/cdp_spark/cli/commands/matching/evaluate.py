"""`cdp evaluate`: how good the clusters are."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.cli.commands.opening import open_project
from cdp_spark.cli.display.evaluation import (
    evaluation_facts,
    evaluation_page,
    label_facts,
    print_evaluation,
    print_label_figures,
    print_sampled,
)
from cdp_spark.cli.display.output import print_json
from cdp_spark.cli.options import Json
from cdp_spark.cli.references import joining_types, match_section, record_titles
from cdp_spark.errors import ConfigError, DataError
from cdp_spark.evaluation.estimated import estimate_from_answers
from cdp_spark.evaluation.figures import CLUSTER, ENTITY, RECORD, measure_clusters
from cdp_spark.evaluation.truth import ID_COLUMNS, GroupFile, judge_file, read_groups
from cdp_spark.evaluation.warehouse import Evaluation, LabelFigures, evaluate_labels, evaluate_warehouse
from cdp_spark.labelling.answers import read_answers
from cdp_spark.labelling.links import Pair
from cdp_spark.report.charts import check_writable
from cdp_spark.runs.run_log import read_runs
from cdp_spark.session import SessionSettings, get_session
from cdp_spark.tables.catalog import CLUSTERS, LABELS, PAIR_SCORES
from cdp_spark.tables.store import Store


@dataclass(frozen=True)
class _Asked:
    """Options that every kind of evaluation has."""

    entity: str
    html: Path | None
    json: bool


def evaluate(
    ctx: typer.Context,
    clusters: Annotated[
        str | None, typer.Argument(help="A file of record_id, cluster_id, as `cdp resolve` writes it; else the tables.")
    ] = None,
    truth: Annotated[str | None, typer.Option(metavar="FILE", help="CSV or Parquet: who each record is about.")] = None,
    id_column: Annotated[
        str | None, typer.Option("--id", metavar="COLUMN", help=f"The truth's ids; {', '.join(ID_COLUMNS)} by default.")
    ] = None,
    cluster: Annotated[str, typer.Option(metavar="COLUMN", help="The truth's entities.")] = ENTITY,
    labels: Annotated[bool, typer.Option("--labels", help="Evaluate against the labels in force.")] = False,
    answers: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Estimate from a reviewed sheet of `cdp label`.")
    ] = None,
    entity: Annotated[str, typer.Option(help="person or account")] = "person",
    worst: Annotated[int, typer.Option(min=0, help="Number of errors of each kind to show.")] = 5,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page, with the sweep as a chart.")] = None,
    json: Json = False,
) -> None:
    """Measure clusters against ground truth or labels, or estimate from a reviewed sheet."""
    _check([truth is not None, labels, answers is not None], clusters, html, truth)
    asked = _Asked(entity, html, json)
    if clusters is not None and truth is not None:
        _evaluate_files(clusters, GroupFile(truth, cluster, id_column), asked)
        return
    project, store = open_project(ctx)
    threshold = match_section(project, entity).clustering.threshold_log2
    if truth is not None:
        groups = read_groups(store.spark, GroupFile(truth, cluster, id_column, entity), as_name=ENTITY)
        linking = joining_types(project, entity)
        judged = evaluate_warehouse(store, entity, groups, threshold_log2=threshold, worst=worst, linking=linking)
        _tell(judged, store, asked)
    elif answers is not None:
        _estimate(store, answers, threshold, asked)
    else:
        figures = evaluate_labels(store, entity, threshold_log2=threshold)
        _tell_labels(figures, as_json=json)


def _tell_labels(figures: LabelFigures, *, as_json: bool) -> None:
    if as_json:
        print_json(label_facts(figures))
    else:
        print_label_figures(figures)


def _check(kinds: list[bool], clusters: str | None, html: Path | None, truth: str | None) -> None:
    if sum(kinds) != 1:
        got = "none of them" if not any(kinds) else "several of them"
        raise ConfigError("cdp evaluate", got=got, allowed="one of --truth FILE, --labels, --answers FILE")
    if clusters is not None and truth is None:
        raise ConfigError("cdp evaluate", got=f"{clusters} without --truth", fix="add --truth FILE")
    if html is not None:
        check_writable("--html", html, ".html")


def _evaluate_files(clusters: str, truth: GroupFile, asked: _Asked) -> None:
    spark = get_session(SessionSettings(app_name="cdp evaluate"))
    found = read_groups(spark, GroupFile(clusters, CLUSTER, RECORD), as_name=CLUSTER)
    groups = read_groups(spark, truth, as_name=ENTITY)
    _tell(Evaluation(measure_clusters(judge_file(found, groups))), None, asked)


def _tell(evaluation: Evaluation, store: Store | None, asked: _Asked) -> None:
    keys = [key for it in evaluation.mistakes for key in (it.record_key_l, it.record_key_r, *it.chain)]
    names = record_titles(store, keys) if store is not None else {}
    if asked.html is not None:
        asked.html.write_text(evaluation_page(evaluation, names), encoding="utf-8")
    if asked.json:
        print_json(evaluation_facts(evaluation))
    else:
        print_evaluation(evaluation, names)


def _estimate(store: Store, path: Path, threshold_log2: float, asked: _Asked) -> None:
    answers = read_answers(store, path, entity_type=asked.entity).answers
    _refuse_obeyed(store, {it.pair for it in answers})
    scores, clusters = (store.read_of_type(spec, asked.entity) for spec in (PAIR_SCORES, CLUSTERS))
    figures = estimate_from_answers(answers, scores, clusters, threshold_log2=threshold_log2)
    if asked.json:
        print_json(asdict(figures))
    else:
        print_sampled(figures)


def _refuse_obeyed(store: Store, pairs: set[Pair]) -> None:
    """Once a run obeyed them, answered pairs are where their answers put them, and speak for no other pair."""
    times = [run.finished["clustering"].at for run in read_runs(store) if "clustering" in run.finished]
    if not times:
        return
    older = store.read(LABELS).where(F.col(c.AT) < F.lit(max(times))).select(c.RECORD_KEY_L, c.RECORD_KEY_R).collect()
    obeyed = len(pairs & {(row[0], row[1]) for row in older})
    if obeyed:
        fix = "`cdp label` a new sheet and estimate before the next run; `cdp evaluate --labels` judges the model"
        raise DataError("--answers", got=f"{obeyed} answers that the last run obeyed as labels", fix=fix)
