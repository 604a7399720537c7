"""`cdp label`, `cdp link`, `cdp unlink`: say what pairs are."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.cli.commands.opening import open_project
from cdp_spark.cli.display.output import print_result, printable
from cdp_spark.cli.options import Json
from cdp_spark.cli.references import ALLOWED, NamedPair, find_pair, match_section
from cdp_spark.clustering.frames import read_current_labels
from cdp_spark.clustering.kinds import VISITOR
from cdp_spark.clustering.labels import CANNOT_LINK, MUST_LINK
from cdp_spark.config.project import Project
from cdp_spark.errors import ConfigError
from cdp_spark.labelling.answers import read_answers
from cdp_spark.labelling.links import Label, Pair, add_labels, find_obstacle
from cdp_spark.labelling.sheet import ALLOWED_FILES, build_sheet, check_sheet, write_sheet
from cdp_spark.labelling.strata import choose_pairs
from cdp_spark.tables.catalog import PAIR_SCORES, RECORDS
from cdp_spark.tables.store import Store

Author = Annotated[str, typer.Option(metavar="NAME", help="Who decided.", show_default=False)]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Reason.", show_default=False)]
Record = Annotated[str, typer.Argument(metavar="RECORD", help=ALLOWED)]


def label(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(help=f"The sheet to write: {ALLOWED_FILES}.")] = None,
    read: Annotated[Path | None, typer.Option(metavar="FILE", help="Import a reviewed sheet.")] = None,
    author: Author = "",
    pairs: Annotated[int, typer.Option(min=1, max=100_000, help="Number of pairs to write.")] = 200,
    entity: Annotated[str, typer.Option(help="person or account")] = "person",
    seed: Annotated[int, typer.Option(help="The same seed draws the same pairs.")] = 1,
    json: Json = False,
) -> None:
    """Export pairs for human review (scores hidden), most of them near the threshold, or import the answers."""
    if (file is None) == (read is None):
        raise ConfigError("cdp label", got="both or neither", allowed="a FILE to write, or --read FILE")
    if file is not None:
        check_sheet(file)
    elif not author:
        raise ConfigError("--author", got="nobody", allowed="a name", fix="say who answered: --author NAME")
    project, store = open_project(ctx)
    match = match_section(project, entity)
    if read is not None:
        print_result([_read(store, read, entity, author)], as_json=json)
    elif file is not None:
        records, scores = (store.read(it).where(F.col(c.ENTITY_TYPE) == entity) for it in (RECORDS, PAIR_SCORES))
        threshold = match.clustering.threshold_log2
        chosen = choose_pairs(scores, read_current_labels(store), threshold_log2=threshold, pairs=pairs, seed=seed)
        written = write_sheet(build_sheet(chosen, records, match, seed=seed), file)
        fix = f"answer yes, no or unsure, then: cdp label --read {file} --author NAME"
        print_result([{"pairs": written, "file": str(file), "next": fix}], as_json=json)


def link(ctx: typer.Context, left: Record, right: Record, author: Author = "", reason: Reason = "") -> None:
    """Label two records as the same; the next and every later run joins them."""
    _decide(ctx, (left, right), MUST_LINK, author, reason)


def unlink(ctx: typer.Context, left: Record, right: Record, author: Author = "", reason: Reason = "") -> None:
    """Label two records as different; the next and every later run keeps them apart, regardless of rules and scores."""
    _decide(ctx, (left, right), CANNOT_LINK, author, reason)


def _decide(ctx: typer.Context, sides: tuple[str, str], kind: str, author: str, reason: str) -> None:
    if not author.strip():
        raise ConfigError("--author", got="nobody", allowed="a name", fix="say who decides: --author NAME")
    project, store = open_project(ctx)
    names = find_pair(store, *sides)
    new = add_labels(store, [Label(names.pair, kind, reason)], author=author, at=datetime.now(UTC))
    state = "from the next run on" if new else "in force already"
    typer.echo(printable(f"{names}: {kind.replace('_', '-')}, {state}{_more(store, project, names, kind)}"))


def _more(store: Store, project: Project, names: NamedPair, kind: str) -> str:
    """What speaks against a decision, and which of both has the last word."""
    if kind == CANNOT_LINK:
        exact = _is_exact(store, names.pair)
        return ", although a deterministic rule joins them: the label has the last word" if exact else ""
    of_visitor = VISITOR in {names.left.entity_type, names.right.entity_type}
    obstacle = None if of_visitor else find_obstacle(store, project, names.pair)
    return f"; but {obstacle}, so they stay apart until that is changed" if obstacle else ""


def _is_exact(store: Store, pair: Pair) -> bool:
    of_pair = (F.col(c.RECORD_KEY_L) == pair[0]) & (F.col(c.RECORD_KEY_R) == pair[1])
    return not store.read(PAIR_SCORES).where(of_pair & F.col(c.DETERMINISTIC)).isEmpty()


def _read(store: Store, path: Path, entity: str, author: str) -> dict[str, Any]:
    found = read_answers(store, path, entity_type=entity)
    said = found.labels()
    written = add_labels(store, said, author=author, at=datetime.now(UTC))
    counts = {verdict: found.count(verdict) for verdict in ("yes", "no", "unsure")}
    return {
        **counts,
        "unanswered": found.unanswered,
        "labels written": written,
        "in force already": len(said) - written,
    }
