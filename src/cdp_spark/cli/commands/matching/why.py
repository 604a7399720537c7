"""`cdp why`: what speaks for and against two records being one person."""

from pathlib import Path
from typing import Annotated

import typer

from cdp_spark.cli.commands.opening import open_project
from cdp_spark.cli.display.output import print_json
from cdp_spark.cli.display.pair import pair_facts, pair_page, print_pair, print_visitor, visitor_facts
from cdp_spark.cli.options import Json
from cdp_spark.cli.references import ALLOWED, find_records, joining_types, match_of, without_visitors
from cdp_spark.clustering.kinds import VISITOR
from cdp_spark.errors import ConfigError
from cdp_spark.explain.pairs.explain import explain_pair
from cdp_spark.explain.pairs.waterfall import build_chart, waterfall
from cdp_spark.explain.visitors import explain_visitor
from cdp_spark.report.charts import check_writable, draw_svg


def why(
    ctx: typer.Context,
    left: Annotated[str, typer.Argument(metavar="A", help=ALLOWED)],
    right: Annotated[
        str, typer.Argument(metavar="B", help="Another; with several records, the strongest pair is explained.")
    ],
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the explanation as a page.")] = None,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the waterfall as a picture.")] = None,
    json: Json = False,
) -> None:
    """Explain why two records are together or apart: each comparison's contribution in bits, rules, labels, cluster."""
    for option, path, suffix in (("--html", html, ".html"), ("--svg", svg, ".svg")):
        if path is not None:
            check_writable(option, path, suffix)
    project, store = open_project(ctx)
    lefts, rights = (without_visitors(find_records(store, it)) for it in (left, right))
    if VISITOR in (lefts[0].entity_type, rights[0].entity_type):
        _refuse_chart(html, svg)
        types = tuple(project.identifiers.rules)
        visitor = explain_visitor(store, lefts, rights, types=types)
        print_json(visitor_facts(visitor)) if json else print_visitor(visitor)
        return
    entity_type, match = match_of(project, [*lefts, *rights])
    linking = joining_types(project, entity_type)
    pair = explain_pair(store, lefts, rights, clustering=match.clustering, linking=linking)
    if html is not None:
        html.write_text(pair_page(pair), encoding="utf-8")
    if svg is not None:
        svg.write_text(draw_svg(build_chart(waterfall(pair), threshold_log2=pair.threshold_log2)), encoding="utf-8")
    if json:
        print_json(pair_facts(pair))
    else:
        print_pair(pair)


def _refuse_chart(html: Path | None, svg: Path | None) -> None:
    option = "--html" if html is not None else "--svg"
    if html is not None or svg is not None:
        got = "a visitor, of which there is nothing to draw"
        raise ConfigError(option, got=got, allowed="two records that are compared", fix=f"omit {option}")
