"""A pair's explanation on the terminal, as a page, and as plain values; a visitor's, who is never compared, too."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from cdp_spark.cli.display.output import console, print_rows
from cdp_spark.explain.pairs.facts import probability_text
from cdp_spark.explain.pairs.verdict import verdict
from cdp_spark.explain.pairs.waterfall import build_chart, draw_bar, waterfall
from cdp_spark.report.charts import Section, render_page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdp_spark.explain.chain import Link
    from cdp_spark.explain.pairs.facts import Contribution, PairExplanation, RecordName
    from cdp_spark.explain.pairs.waterfall import Step
    from cdp_spark.explain.visitors import VisitorPair

_WIDTH, _NARROW_WIDTH = 36, 12
"""Signs of a bar; where there is little room, names and values need it more."""
_NARROW = 100
_COLOURS = {"for": "green", "against": "red", "total": "bold blue"}


def pair_facts(pair: PairExplanation) -> dict[str, Any]:
    """Everything about a pair as plain values; the weight of a certain pair, which is infinite, as `certain`."""
    facts: dict[str, Any] = finite(asdict(pair))
    return facts | {"weight_log2": pair.weight_log2, "probability": pair.probability, "verdict": verdict(pair)}


def print_pair(pair: PairExplanation) -> None:
    """Print the verdict, the waterfall with both records' values, rules, labels and the records around."""
    out = console()
    titles = f"[bold]{escape(pair.left.title)}[/] and [bold]{escape(pair.right.title)}[/]"
    out.print(f"\n{titles}: {escape(verdict(pair))}", markup=True)
    out.print(_summary(pair), "\n")
    out.print(waterfall_table(pair, bar_width=_NARROW_WIDTH if out.width < _NARROW else _WIDTH))
    out.print(f"\n{found_by(pair)}")
    if pair.labels:
        print_rows([asdict(it) for it in pair.labels], title="labels (the newest is in force)")
    _print_surroundings(pair)


def pair_page(pair: PairExplanation) -> str:
    """The explanation as one HTML file."""
    rows = [
        {"comparison": step.name, **_sides(it), "level": it.level, "bits": f"{it.bits:+.2f}"}
        for step, it in zip(waterfall(pair), pair.contributions, strict=False)
    ]
    chart = build_chart(waterfall(pair), threshold_log2=pair.threshold_log2)
    sections = [
        Section("Match weight", f"{verdict(pair)}. {_summary(pair)}. {found_by(pair)}.", chart),
        Section("Values", "", None, rows),
        Section("Around them", _around(pair), None, _neighbour_rows(pair)),
    ]
    return render_page(f"{pair.left.title} and {pair.right.title}", sections)


def found_by(pair: PairExplanation) -> str:
    """In words, which rules found the pair."""
    rules = f"found by {', '.join(pair.rules)}" if pair.rules else "found by no blocking rule"
    fixed = f"; always joined by {', '.join(pair.deterministic_rules)}" if pair.deterministic_rules else ""
    purged = f"; share a key of {', '.join(pair.purged_rules)} with too many others" if pair.purged_rules else ""
    joined = f"; share a {', a '.join(pair.shared_identifiers)}" if pair.shared_identifiers else ""
    return rules + fixed + joined + purged


def finite(value: object) -> Any:  # noqa: ANN401 - plain values of any kind
    """The same plain value for JSON, in which no number is infinite."""
    if isinstance(value, dict):
        return {name: finite(it) for name, it in value.items()}
    if isinstance(value, list | tuple):
        return [finite(it) for it in value]
    return "certain" if value == float("inf") else value


def chain_rows(chain: Sequence[Link], names: Mapping[str, RecordName]) -> list[dict[str, str]]:
    """The links of a chain, by the names of their records."""
    return [
        {
            "from": names[it.left].title if it.left in names else it.left,
            "to": names[it.right].title if it.right in names else it.right,
            "bits": weight_text(it.weight_log2),
        }
        for it in chain
    ]


def _summary(pair: PairExplanation) -> str:
    how = "" if pair.scored else ", not compared by the last run but here"
    likely = probability_text(pair.weight_log2)
    return f"weight {pair.weight_log2:+.2f} bits, probability {likely}, by model {pair.model_version}{how}"


def waterfall_table(pair: PairExplanation, *, bar_width: int) -> Table:
    """List what each comparison contributes, with bars; texts are folded, numbers never."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("", pair.left.title, pair.right.title, "level"):
        table.add_column(Text(name), overflow="fold")
    table.add_column("counted", justify="right", no_wrap=True, min_width=len("counted"))
    table.add_column("bits", justify="right", no_wrap=True, min_width=len("-100.00"))
    table.add_column("", no_wrap=True, min_width=bar_width)
    steps = waterfall(pair)
    for step, it in zip(steps, [*pair.contributions, None], strict=True):
        left, right = _sides(it).values() if it else ("", "")
        counted = "" if it is None or it.counted == 1.0 else f"{it.counted:.0%}"
        bar = _bar(step, steps, bar_width)
        table.add_row(step.name, Text(left), Text(right), Text(step.level), counted, f"{step.bits:+.2f}", bar)
    return table


def _bar(step: Step, steps: Sequence[Step], width: int) -> Text:
    return Text(draw_bar(step, steps, width=width), style=_COLOURS[step.kind])


def _sides(it: Contribution) -> dict[str, str]:
    return {"left": _joined(it.values_l), "right": _joined(it.values_r)}


def _joined(values: tuple[str, ...]) -> str:
    """A comparison's values; of a name with its swapped partner both."""
    return " · ".join(value or "–" for value in values)


def _print_surroundings(pair: PairExplanation) -> None:
    around = pair.surroundings
    console().print(_around(pair))
    if len(around.chain) > 1:
        names = {it.record.record_key: it.record for it in around.neighbours}
        names |= {it.record_key: it for it in (pair.left, pair.right)}
        print_rows(chain_rows(around.chain, names), title="the strongest chain between them")
    if around.neighbours:
        print_rows(_neighbour_rows(pair), title=f"Other records involved: {around.neighbour_count:,}")


def _around(pair: PairExplanation) -> str:
    around = pair.surroundings
    if around.cluster_l is None or around.cluster_r is None:
        return "not clustered yet"
    if around.together:
        return f"one cluster of {around.neighbour_count + 2:,} records: {around.cluster_l}"
    linked = "in one component" if around.one_component else "in two components"
    return f"clusters {around.cluster_l} and {around.cluster_r}, {linked}"


def _neighbour_rows(pair: PairExplanation) -> list[dict[str, str]]:
    return [
        {
            "record": it.record.title,
            "cluster of": "both"
            if pair.surroundings.together
            else ("the first" if it.cluster == pair.surroundings.cluster_l else "the second"),
            "bits with the first": weight_text(it.weight_l),
            "bits with the second": weight_text(it.weight_r),
        }
        for it in pair.surroundings.neighbours
    ]


def weight_text(weight: float | None) -> str:
    """A pair's weight in bits, in words where it has none."""
    if weight is None:
        return "not compared"
    return "certain" if weight == float("inf") else f"{weight:+.1f}"


def visitor_facts(pair: VisitorPair) -> dict[str, Any]:
    """A visitor and another record as plain values."""
    return {**asdict(pair), "verdict": pair.verdict}


def print_visitor(pair: VisitorPair) -> None:
    """Print the verdict, what both bear, and where they are."""
    out = console()
    out.print(f"\n{pair.left.title} and {pair.right.title}: {pair.verdict}", markup=False)
    out.print(f"identifiers in common: {', '.join(pair.shared) or 'none'}", markup=False)
    if pair.cluster_l and pair.cluster_r:
        both = f"one cluster: {pair.cluster_l}" if pair.together else f"clusters {pair.cluster_l} and {pair.cluster_r}"
        out.print(both, markup=False)
