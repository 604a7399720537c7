"""A pair's contributions as a waterfall: for the terminal, and as an Altair chart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import altair as alt

from cdp_spark.explain.pairs.facts import probability_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdp_spark.explain.pairs.facts import PairExplanation

TOTAL = "match weight"
_COLOURS = {"for": "#2a7f62", "against": "#b5483a", "total": "#3b4a6b"}
_BAR_HEIGHT = 26


@dataclass(frozen=True)
class Step:
    """A bar of the waterfall.

    Args:
        name: of the comparison; `prior` first, `match weight` last.
        level: in words.
        start: bits before it.
        end: bits after it.
    """

    name: str
    level: str
    start: float
    end: float

    @property
    def bits(self) -> float:
        """By which it moves the weight."""
        return self.end - self.start

    @property
    def kind(self) -> str:
        """`for` a match, `against` it, or the `total`."""
        if self.name == TOTAL:
            return "total"
        return "for" if self.bits >= 0 else "against"


def waterfall(pair: PairExplanation) -> tuple[Step, ...]:
    """One step for each contribution, from 0, and the total."""
    steps, reached = [], 0.0
    for it in pair.contributions:
        steps.append(Step(it.name, it.level, reached, reached + it.bits))
        reached += it.bits
    word = f"probability {probability_text(pair.weight_log2)}"
    return (*steps, Step(TOTAL, word, 0.0, reached))


def draw_bar(step: Step, steps: Sequence[Step], *, width: int) -> str:
    """A step as text of `width` characters, at its place on the axis that all steps share; `│` is 0."""
    ends = [end for it in steps for end in (it.start, it.end)]
    low, high = min(ends), max(ends)
    scale = (width - 1) / (high - low) if high > low else 0.0
    first, last = sorted(round((end - low) * scale) for end in (step.start, step.end))
    cells = [" "] * width
    cells[round((0.0 - low) * scale)] = "│"
    for place in range(first, max(last, first + 1)):
        cells[place] = "█" if step.bits else "·"
    return "".join(cells)


def build_chart(steps: Sequence[Step], *, threshold_log2: float) -> alt.LayerChart | alt.FacetChart:
    """The waterfall as an Altair chart; the dashed line is the threshold.

    Args:
        steps: as `waterfall` gives them.
        threshold_log2: bits from which a pair is an edge.
    """
    labels = [f"{number}. {it.name}: {it.level}" for number, it in enumerate(steps)]
    rows: list[dict[str, Any]] = [
        {"label": label, "start": it.start, "end": it.end, "kind": it.kind, "bits": f"{it.bits:+.2f}"}
        for label, it in zip(labels, steps, strict=True)
    ]
    base = alt.Chart({"values": rows}).encode(
        y=alt.Y("label:N", sort=labels, title=None, axis=alt.Axis(labelLimit=360))
    )
    colour = alt.Color("kind:N", legend=None, scale=alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values())))
    bars = base.mark_bar().encode(x=alt.X("start:Q", title="bits (log2 of the odds)"), x2="end:Q", color=colour)
    figures = base.mark_text(align="left", dx=4).encode(x=alt.X("right:Q"), text="bits:N")
    figures = figures.transform_calculate(right="max(datum.start, datum.end)")
    line = alt.Chart({"values": [{"threshold": threshold_log2}]}).mark_rule(strokeDash=[4, 3])
    layers = alt.layer(bars, figures, line.encode(x="threshold:Q"))
    return layers.properties(width=480, height=_BAR_HEIGHT * len(steps))
