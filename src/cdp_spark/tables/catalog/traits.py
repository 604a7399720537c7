"""Gold: what people's events come to."""

from __future__ import annotations

from cdp_spark.tables.spec import TableKind, TableSpec, columns

TRAITS = TableSpec(
    name="traits",
    grain="a person's, visitor's or account's value of a trait over a time span (SCD2)",
    schema=columns(
        unified_id="string!",
        trait="string!",
        definition_hash="string!",
        value_number="double",
        value_text="string",
        value_list="strings",
        value_time_utc="timestamp",
        valid_from_utc="timestamp!",
        valid_to_utc="timestamp",
    ),
    keys=("unified_id", "trait", "valid_from_utc"),
    kind=TableKind.GOLD,
    constraints={"ordered_span": "valid_to_utc IS NULL OR valid_to_utc > valid_from_utc"},
)
