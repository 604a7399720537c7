"""Altair charts to SVG, and pages around them that need no network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from cdp_spark.errors import ConfigError
from cdp_spark.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import altair as alt


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Args:
        title: above it.
        text: a sentence below the title.
        chart: drawn below the text.
        rows: a table below the chart; its columns are the first row's keys, its values texts.
    """

    title: str
    text: str = ""
    chart: alt.TopLevelMixin | None = None
    rows: Sequence[Mapping[str, str]] = field(default_factory=tuple)


def draw_svg(chart: alt.TopLevelMixin) -> str:
    """The chart as SVG."""
    specification: dict[str, Any] = chart.to_dict()
    return str(vl_convert.vegalite_to_svg(specification))


def render_page(title: str, sections: Sequence[Section]) -> str:
    """One HTML file of sections; every text is escaped, charts are drawn as SVG, nothing is fetched or run."""
    environment = Environment(
        loader=PackageLoader("cdp_spark.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    # the SVG is vl-convert's own output, in which texts are escaped
    drawn = [(it, Markup(draw_svg(it.chart)) if it.chart is not None else "") for it in sections]
    return environment.get_template("page.html").render(title=title, sections=drawn, version=__version__)


def check_writable(option: str, path: Path, *suffixes: str) -> None:
    """Refuse a file that could not be written, before anything is read.

    Args:
        option: that names the file.
        path: the file.
        suffixes: allowed ones; any where none is given.

    Raises:
        ConfigError: the suffix is unknown or the folder is not there.
    """
    if suffixes and path.suffix.lower() not in suffixes:
        raise ConfigError(option, got=path.name, allowed=", ".join(f"a name in {suffix}" for suffix in suffixes))
    if not path.absolute().parent.is_dir():
        raise ConfigError(option, got=f"no folder {path.parent}", fix="create it, or name a file in one that exists")
