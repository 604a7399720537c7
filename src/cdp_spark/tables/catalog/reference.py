"""Reference data: what is sold, and what other currencies are worth."""

from __future__ import annotations

from cdp_spark.tables.spec import TableKind, TableSpec, columns

PRODUCTS = TableSpec(
    name="products",
    grain="a product's values from a time on",
    schema=columns(
        product_id="string!",
        valid_from_utc="timestamp!",
        name="string",
        category="string",
        price="decimal",
        currency="string",
        stock="double",
        in_stock="boolean!",
        source="string!",
    ),
    keys=("product_id", "valid_from_utc"),
    kind=TableKind.BATCH,
)

CURRENCY_RATES = TableSpec(
    name="currency_rates",
    grain="a currency's rate from a day on",
    schema=columns(currency="string!", day="date!", rate="double!", source="string!"),
    keys=("currency", "day"),
    kind=TableKind.BATCH,
    constraints={"positive_rate": "rate > 0"},
)
