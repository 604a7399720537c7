"""A report's figures to one HTML file that needs no network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from cdp_spark.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cdp_spark.report.data import Count, ReportData, WeightBin

_COLUMN_WIDTH, _CHART_HEIGHT = 20, 160
"""Of a histogram, in SVG units."""


@dataclass(frozen=True)
class Bar:
    """A bar of a chart.

    Args:
        label: beside or below it.
        count: that it stands for.
        length: from 0 to 1.
    """

    label: str
    count: int
    length: float


def render_report(data: ReportData) -> str:
    """Write the report as HTML; every value is escaped."""
    environment = Environment(
        loader=PackageLoader("cdp_spark.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"number": _number, "share": _share, "bars": bars}
    return environment.get_template("run.html").render(
        data=data,
        version=__version__,
        weight_bars=weight_bars(data.weights),
        column_width=_COLUMN_WIDTH,
        chart_height=_CHART_HEIGHT,
    )


def write_report(data: ReportData, folder: Path) -> Path:
    """Write `folder/RUN_ID.html`; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{data.run_id}.html"
    path.write_text(render_report(data), encoding="utf-8")
    return path


def bars(counts: Sequence[Count]) -> list[Bar]:
    """Bars whose lengths are in proportion to the largest."""
    largest = max((it.count for it in counts), default=0)
    return [Bar(it.label, it.count, it.count / largest if largest else 0.0) for it in counts]


def weight_bars(weights: Sequence[WeightBin]) -> list[Bar]:
    """Bars whose lengths are logarithmic: matches are few beside the pairs that are none."""
    largest = max((math.log1p(it.pairs) for it in weights), default=0.0)
    return [Bar(f"{it.lowest:+d}", it.pairs, math.log1p(it.pairs) / largest if largest else 0.0) for it in weights]


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _share(value: float) -> str:
    return f"{value:.1%}"
