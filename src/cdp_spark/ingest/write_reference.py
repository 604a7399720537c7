"""Writing products and currency rates: few rows, put together on the driver, written anew where any of them changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.ingest.staging.bronze import PRODUCTS as NEW_PRODUCTS
from cdp_spark.ingest.staging.bronze import RATES, newest_rows
from cdp_spark.ingest.staging.reference import merge_products, merge_rates
from cdp_spark.tables.catalog import CURRENCY_RATES, PRODUCTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cdp_spark.ingest.staging.bronze import NewRows
    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.run import RunContext
    from cdp_spark.tables.spec import TableSpec


@dataclass(frozen=True)
class Reference:
    """How a table of reference data is kept.

    Args:
        spec: the table.
        rule: which staged rows it takes.
        names: the table's column to the staged one.
        merge: puts delivered rows among those that are held; gives all, and how many of each source changed.
    """

    spec: TableSpec
    rule: NewRows
    names: Mapping[str, str]
    merge: Callable[..., tuple[list[dict[str, Any]], dict[str, int]]]


_PRODUCT_COLUMNS = {
    c.PRODUCT_ID: c.KEY,
    c.VALID_FROM: c.AT,
    **{name: name for name in (c.NAME, c.CATEGORY, c.CURRENCY, c.IN_STOCK, c.SOURCE)},
    c.PRICE: c.VALUE_GIVEN,
    c.STOCK: c.QUANTITY,
}
_RATE_COLUMNS = {c.CURRENCY: c.KEY, c.DAY: c.AT, c.RATE: c.RATE, c.SOURCE: c.SOURCE}

REFERENCE: dict[str, Reference] = {
    PRODUCTS.name: Reference(PRODUCTS, NEW_PRODUCTS, _PRODUCT_COLUMNS, merge_products),
    CURRENCY_RATES.name: Reference(CURRENCY_RATES, RATES, _RATE_COLUMNS, merge_rates),
}


def write_reference(context: RunContext, reference: Reference, staged: Rows, replaced: dict[str, int]) -> int:
    """Put delivered reference data among what the table holds; a table that they do not change is left as it is.

    Args:
        context: the run.
        reference: how the table is kept.
        staged: staged rows of all sources.
        replaced: source to its rows that are new or replace others; is added to.
    Returns: the table's version.
    """
    store, spec = context.store, reference.spec
    held = store.fetch(spec).select(spec.schema.names).to_pylist()
    rows, changed = reference.merge(held, _delivered(reference, staged), context.as_of)
    replaced.update(changed)
    if store.exists(spec) and not changed:
        return store.version(spec)
    rows.sort(key=lambda row: tuple(row[name] for name in spec.keys))
    return store.overwrite(spec, spec.table([[row[name] for name in spec.schema.names] for row in rows]))


def _delivered(reference: Reference, staged: Rows) -> list[dict[str, Any]]:
    """The rows that count, in order of source and time; undated ones come last."""
    rule = reference.rule
    if not isinstance(staged, pa.Table):
        taken = staged.where((F.col(c.KIND) == rule.kind) & F.col(c.REASON).isNull())
        kept = dict.fromkeys((c.KIND, c.REASON, *rule.keys, *rule.by, *reference.names.values()))
        staged = taken.select(*kept).toArrow()
    newest = newest_rows(staged, rule)
    order = [(c.SOURCE, "ascending"), (c.AT, "ascending"), (c.KEY, "ascending")]
    columns = {name: newest[own] for name, own in reference.names.items()}
    if c.DAY in columns:
        columns[c.DAY] = columns[c.DAY].cast(pa.date32())
    ordered = pa.table(columns).take(pa.compute.sort_indices(newest, sort_keys=order))
    rows: list[dict[str, Any]] = ordered.to_pylist()
    return rows
