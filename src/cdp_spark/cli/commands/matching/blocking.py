"""`cdp blocking`: what blocking rules cost and find, before a run."""

from typing import Annotated, Any

import typer
import yaml
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.cli.commands.opening import open_project
from cdp_spark.cli.display.output import console, print_json, print_rows
from cdp_spark.cli.options import Json
from cdp_spark.cli.references import match_section
from cdp_spark.clustering.frames import read_current_labels
from cdp_spark.clustering.labels import MUST_LINK
from cdp_spark.config.match import EntityMatch
from cdp_spark.errors import StateError
from cdp_spark.evaluation.blocking import BlockingFigures, build_known_pairs, estimate_blocking, suggest_rules
from cdp_spark.resolution.choose import RuleEstimate
from cdp_spark.standalone.files import name_inputs, read_inputs
from cdp_spark.standalone.in_process import InProcess
from cdp_spark.standalone.records import describe
from cdp_spark.standalone.resolve import propose_match
from cdp_spark.tables.catalog import PAIR_SCORES, RECORDS
from cdp_spark.tables.store import Store

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Suggest and estimate blocking rules.")
Entity = Annotated[str, typer.Option(help="person or account")]


@app.command()
def suggest(
    ctx: typer.Context,
    inputs: Annotated[list[str] | None, typer.Argument(help="Files; without them the project's records.")] = None,
    id_column: Annotated[str | None, typer.Option("--id", help="The files' column that identifies a row.")] = None,
    entity: Entity = "person",
    json: Json = False,
) -> None:
    """Propose rules: those that add the most matches for the pairs they cost, on a sample; as YAML to paste."""
    known: BlockingFigures | None = None
    if inputs:
        texts = read_inputs(name_inputs(inputs))
        held = describe(texts, id_column=id_column, source_column=None, region=None)
        rules = propose_match(InProcess(*held)).rules
    else:
        project, store = open_project(ctx)
        records = store.read(RECORDS).where(F.col(c.ENTITY_TYPE) == entity)
        if records.isEmpty():
            raise StateError("cdp blocking suggest", got="no records", fix="run `cdp run nightly` first, or name files")
        match = match_section(project, entity)
        rules = suggest_rules(records, match)
        known = _known_by(store, entity, records, match, rules)
    facts = [_estimate_facts(it, known) for it in rules]
    if json:
        print_json([fact | {"keys": _rule_yaml(it)["keys"]} for fact, it in zip(facts, rules, strict=True)])
        return
    print_rows(facts, empty="no rule is worth its pairs")
    if known is not None:
        console().print(f"\nwith these rules {_recall(known)}")
    if rules:
        text = yaml.safe_dump({"blocking": [_rule_yaml(it) for it in rules]}, sort_keys=False)
        console().print(f"\n{text}", markup=False)


@app.command()
def estimate(ctx: typer.Context, entity: Entity = "person", json: Json = False) -> None:
    """Count the pairs of each configured rule, and the known pairs (must-linked, deterministic) that it finds."""
    project, store = open_project(ctx)
    match = match_section(project, entity)
    records = store.read(RECORDS).where(F.col(c.ENTITY_TYPE) == entity)
    if records.isEmpty():
        raise StateError("cdp blocking estimate", got="no records", fix="run `cdp run nightly` first")
    figures = estimate_blocking(records, match, _known_pairs(store, entity))
    rows = _figure_rows(figures)
    if json:
        print_json({"records": figures.records, "known": figures.known, "recall": figures.recall, "rules": rows})
        return
    print_rows(rows)
    total = sum(it.pairs for it in figures.rules)
    console().print(f"\n{total:,} pairs at most, {total / max(figures.records, 1):.1f} a record; {_recall(figures)}")


def _known_pairs(store: Store, entity: str) -> DataFrame:
    scores = store.read(PAIR_SCORES).where(F.col(c.ENTITY_TYPE) == entity)
    return build_known_pairs(scores, read_current_labels(store), MUST_LINK)


def _known_by(
    store: Store, entity: str, records: DataFrame, match: EntityMatch, rules: tuple[RuleEstimate, ...]
) -> BlockingFigures | None:
    """What the proposed rules find of the known pairs; None where nothing is proposed."""
    if not rules:
        return None
    proposed = match.model_copy(update={"blocking": tuple(it.rule for it in rules)})
    return estimate_blocking(records, proposed, _known_pairs(store, entity))


def _estimate_facts(it: RuleEstimate, known: BlockingFigures | None) -> dict[str, Any]:
    found = {rule.name: rule.known_found for rule in known.rules} if known is not None and known.known else {}
    return {
        "rule": it.rule.name,
        "pairs": round(it.pairs),
        "adds pairs": round(it.added_pairs),
        "recall so far": f"{it.recall:.4f}",
        **({"known pairs found": found[it.rule.name]} if found else {}),
    }


def _rule_yaml(it: RuleEstimate) -> dict[str, Any]:
    rule = it.rule.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    return {"name": rule["name"], **{name: value for name, value in rule.items() if name != "name"}}


def _figure_rows(figures: BlockingFigures) -> list[dict[str, Any]]:
    return [
        {
            "rule": it.name,
            "pairs": it.pairs,
            "keys split": it.split_keys,
            "keys purged": it.purged_keys,
            "known pairs found": it.known_found,
            "by it alone": it.known_alone,
        }
        for it in figures.rules
    ]


def _recall(figures: BlockingFigures) -> str:
    if figures.recall is None:
        return "no pair is known: label some, or name deterministic rules"
    return f"{figures.known_found:,} of {figures.known:,} known pairs are found, recall {figures.recall:.4f}"
