"""`cdp quality`: how full, readable, fresh and large the sources are, and were."""

from collections import defaultdict
from typing import Annotated

import pyarrow.compute as pc
import typer

from cdp_spark import columns as c
from cdp_spark.cli.commands.opening import open_project
from cdp_spark.cli.display.output import print_result
from cdp_spark.cli.options import Json
from cdp_spark.config.base import choose_one
from cdp_spark.errors import ConfigError
from cdp_spark.quality.measures import OF_FIELDS, OF_SOURCES, show_measure
from cdp_spark.tables.catalog import DATA_QUALITY

_COLUMNS = (c.RUN_ID, c.ORDINAL, c.SOURCE, c.FIELD, c.MEASURE, c.VALUE)


def quality(
    ctx: typer.Context,
    source: Annotated[str | None, typer.Argument(help="Show the fields of this source instead.")] = None,
    runs: Annotated[int, typer.Option(min=1, help="How many runs, newest first.")] = 1,
    json: Json = False,
) -> None:
    """Show the sources' rows, freshness and volume, or how complete, readable and distinct a source's fields are."""
    project, store = open_project(ctx)
    names = [it.name for it in project.sources if it.kind in ("records", "events")]
    if source is not None and source not in names:
        fix = choose_one(source, names)
        raise ConfigError("cdp quality", got=f"source '{source}'", allowed=", ".join(names), fix=fix)
    rows = store.fetch(DATA_QUALITY, _COLUMNS).sort_by([(c.ORDINAL, "descending"), (c.SOURCE, "ascending")])
    rows = rows.filter(pc.is_in(rows[c.ORDINAL], value_set=rows[c.ORDINAL].unique()[:runs]))
    is_whole = pc.field(c.FIELD).is_null()
    wanted = is_whole if source is None else ~is_whole & (pc.field(c.SOURCE) == source)
    found: defaultdict[tuple[str, str, str], dict[str, float]] = defaultdict(dict)
    for row in rows.filter(wanted).to_pylist():
        found[row[c.RUN_ID], row[c.SOURCE], row[c.FIELD] or ""][row[c.MEASURE]] = row[c.VALUE]
    measures = OF_SOURCES if source is None else OF_FIELDS

    def value_of(figures: dict[str, float], name: str) -> object:
        value = figures.get(name)
        return value if json or value is None else show_measure(name, value)

    lines = []
    for (run, name, field), figures in found.items():
        named = {"run": run, "source": name, "field": field} if field else {"run": run, "source": name}
        lines.append({**named, **{it: value_of(figures, it) for it in measures}})
    print_result(lines, as_json=json)
