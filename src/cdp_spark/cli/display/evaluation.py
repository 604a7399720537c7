"""Figures of an evaluation on the terminal, as a page, and as plain values."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import altair as alt

from cdp_spark.cli.display.output import console, print_rows
from cdp_spark.evaluation.pairs import ABOVE, BELOW, DETERMINISTIC, NOT_COMPARED
from cdp_spark.report.charts import Section, render_page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdp_spark.evaluation.estimated import SampledFigures
    from cdp_spark.evaluation.figures import Share
    from cdp_spark.evaluation.mistakes.words import Mistake
    from cdp_spark.evaluation.pairs import PairFigures, Threshold
    from cdp_spark.evaluation.sampled import Estimate
    from cdp_spark.evaluation.warehouse import Evaluation, LabelFigures

_SHOWN_BETWEEN = 3
_SHOWN_THRESHOLDS = range(-10, 22, 2)


def share_facts(share: Share) -> dict[str, float]:
    """Precision, recall and F1, to four digits."""
    return {name: round(getattr(share, name), 4) for name in ("precision", "recall", "f1")}


def evaluation_facts(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation against a truth as plain values."""
    figures = evaluation.figures
    facts = asdict(figures) | {"pairwise": share_facts(figures.pairwise), "b_cubed": share_facts(figures.b_cubed)}
    if evaluation.pairs is None:
        return facts
    pairs = asdict(evaluation.pairs) | {"sweep": [_threshold_facts(it) for it in evaluation.pairs.sweep]}
    worst = [asdict(it) for it in evaluation.mistakes]
    return facts | {"blocking_recall": evaluation.blocking_recall, "pairs": pairs, "mistakes": worst}


def print_evaluation(evaluation: Evaluation, names: Mapping[str, str]) -> None:
    """Print figures, sweep and mistakes.

    Args:
        evaluation: to print.
        names: short names of the records of the mistakes, by record_key.
    """
    figures, out = evaluation.figures, console()
    out.print(
        f"{figures.records:,} records ({figures.missing:,} without a cluster) of {figures.entities:,} entities "
        f"in {figures.clusters:,} clusters; largest cluster: {figures.largest_cluster:,} records "
        f"(in the truth: {figures.largest_entity:,})"
    )
    out.print(
        f"{figures.true_pairs:,} true pairs, {figures.found_pairs:,} found, {figures.correct_pairs:,} of them correct"
    )
    print_rows(_share_rows({"pairwise": figures.pairwise, "B-cubed": figures.b_cubed}))
    if evaluation.pairs is None:
        return
    out.print(f"\nblocking recall {evaluation.blocking_recall:.4f}: {_compared(evaluation.pairs)}")
    shown = [it for it in evaluation.pairs.sweep if it.bits in _SHOWN_THRESHOLDS]
    print_rows([_texts(_threshold_facts(it)) for it in shown], title="pairs at or above a weight, without clusters")
    print_rows(_reason_rows(evaluation.pairs), title="\nwrong pairs of clusters, by the pair's own evidence")
    print_rows(_mistake_rows(evaluation, names), title="\nthe worst mistakes", empty="none")


def evaluation_page(evaluation: Evaluation, names: Mapping[str, str]) -> str:
    """The evaluation as one HTML file.

    Args:
        evaluation: to show.
        names: short names of the records of the mistakes, by record_key.
    """
    figures = evaluation.figures
    rows = _share_rows({"pairwise": figures.pairwise, "B-cubed": figures.b_cubed})
    text = f"{figures.records:,} records of {figures.entities:,} entities in {figures.clusters:,} clusters."
    sections = [Section("Clusters", text, None, rows)]
    if evaluation.pairs is not None:
        sweep = [_texts(_threshold_facts(it)) for it in evaluation.pairs.sweep]
        told = "Compared pairs at or above a weight, without clusters; recall over all true pairs."
        sections += [
            Section("Thresholds", told, build_sweep_chart(evaluation.pairs.sweep), sweep),
            Section("Wrong pairs", _compared(evaluation.pairs), None, _reason_rows(evaluation.pairs)),
            Section("The worst mistakes", "", None, _mistake_rows(evaluation, names)),
        ]
    return render_page("Evaluation", sections)


def build_sweep_chart(sweep: Sequence[Threshold]) -> alt.Chart:
    """Precision, recall and F1 by threshold."""
    rows = [
        {"bits": it.bits, "figure": name, "value": value}
        for it in sweep
        for name, value in share_facts(it.share).items()
    ]
    chart: alt.Chart = alt.Chart({"values": rows}).mark_line(interpolate="step-after")
    value = alt.Y("value:Q", title=None, scale=alt.Scale(domain=[0, 1]))
    chart = chart.encode(x=alt.X("bits:Q", title="threshold, bits"), y=value, color=alt.Color("figure:N", title=None))
    sized: alt.Chart = chart.properties(width=560, height=240)
    return sized


def print_label_figures(figures: LabelFigures) -> None:
    """Print how the last run fares by the labels in force."""
    console().print(f"{figures.must_links:,} must-links, {figures.cannot_links:,} cannot-links in force")
    print_rows(_share_rows({"clusters": figures.clusters, "model alone": figures.model}))
    console().print(
        f"{figures.not_compared:,} must-links were never compared. "
        "Runs obey labels: the clusters' figures judge only labels newer than the run, the model's judge all."
    )


def label_facts(figures: LabelFigures) -> dict[str, Any]:
    """The same as plain values."""
    return asdict(figures) | {"clusters": share_facts(figures.clusters), "model": share_facts(figures.model)}


def print_sampled(figures: SampledFigures) -> None:
    """Print estimated figures with their intervals."""
    console().print(f"{figures.answered:,} answered pairs, {figures.unsure:,} unsure; intervals of 95%")
    estimates = {"precision": figures.precision, "recall of compared pairs": figures.recall}
    print_rows([{"figure": name, **_estimate_texts(it)} for name, it in estimates.items()])
    rows = [
        {
            "bits from the threshold": it.name,
            "in one cluster": it.found,
            "pairs": it.pairs,
            "answered": it.answered,
            "matches": it.matches,
        }
        for it in figures.strata
    ]
    print_rows(rows, title="\nwhat the answers say about each class of pairs")


def _estimate_texts(estimate: Estimate) -> dict[str, str]:
    return {"estimate": f"{estimate.value:.4f}", "low": f"{estimate.low:.4f}", "high": f"{estimate.high:.4f}"}


def _threshold_facts(threshold: Threshold) -> dict[str, float]:
    return {"bits": threshold.bits, "pairs": threshold.pairs, **share_facts(threshold.share)}


def _texts(facts: Mapping[str, float]) -> dict[str, str]:
    return {name: f"{value:.4f}" if isinstance(value, float) else f"{value:,}" for name, value in facts.items()}


def _share_rows(shares: Mapping[str, Share]) -> list[dict[str, str]]:
    return [{"": name, **_texts(share_facts(share))} for name, share in shares.items()]


def _compared(pairs: PairFigures) -> str:
    return f"{pairs.compared_true:,} true pairs were compared, among {pairs.compared:,} compared pairs"


def _reason_rows(pairs: PairFigures) -> list[dict[str, str]]:
    return [
        {"evidence": name, "missed": f"{pairs.missed[name]:,}", "false": f"{pairs.false[name]:,}"}
        for name in (DETERMINISTIC, ABOVE, BELOW, NOT_COMPARED)
    ]


def _mistake_rows(evaluation: Evaluation, names: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        {
            "mistake": it.kind,
            "record": names.get(it.record_key_l, it.record_key_l),
            "other record": names.get(it.record_key_r, it.record_key_r),
            "bits": f"{it.weight_log2:+.1f}",
            "why": it.reason + _through(it, names),
            "most bits": "; ".join(f"{part.name} {part.level} {part.bits:+.1f}" for part in it.comparisons),
        }
        for it in evaluation.mistakes
    ]


def _through(mistake: Mistake, names: Mapping[str, str]) -> str:
    between = [names.get(key, key) for key in mistake.chain[1:-1]]
    more = f", … ({len(between)})" if len(between) > _SHOWN_BETWEEN else ""
    return f": {', '.join(between[:_SHOWN_BETWEEN])}{more}" if between else ""
