"""What is made of people's events: sessions, credit, funnels, cohorts, what was left, traits, scores and offers."""

from __future__ import annotations

from pyspark.sql import types as T

from cdp_spark.tables.spec import TableKind, TableSpec, columns

SESSIONS = TableSpec(
    name="sessions",
    grain="a visit of a profile in a source",
    schema=columns(
        session_id="string!",
        unified_id="string!",
        source="string!",
        session_number="int!",
        started_at_utc="timestamp!",
        ended_at_utc="timestamp!",
        duration_seconds="double!",
        events="int!",
        pages="int!",
        entry_event_type="string!",
        entry_url="string",
        exit_url="string",
        channel="string",
        campaign="string",
        value="decimal!",
    ),
    keys=("session_id",),
    kind=TableKind.GOLD,
)


ATTRIBUTIONS = TableSpec(
    name="attributions",
    grain="a session's share of a conversion under a model",
    schema=columns(
        conversion_key="string!",
        model="string!",
        session_id="string!",
        unified_id="string!",
        converted_at_utc="timestamp!",
        started_at_utc="timestamp!",
        channel="string",
        campaign="string",
        share="double!",
        value="decimal!",
    ),
    keys=("conversion_key", "model", "session_id"),
    kind=TableKind.GOLD,
    constraints={"known_share": "share > 0 AND share <= 1"},
)


FUNNELS = TableSpec(
    name="funnels",
    grain="a step of a funnel, of all profiles or of those with a value",
    schema=columns(name="string!", by_value="string!", step="int!", step_name="string!", profiles="long!"),
    keys=("name", "by_value", "step"),
    kind=TableKind.GOLD,
)


RETENTION = TableSpec(
    name="retention",
    grain="a cohort in a period after its first event",
    schema=columns(name="string!", cohort="date!", period="int!", profiles="long!", returned="long!", value="decimal!"),
    keys=("name", "cohort", "period"),
    kind=TableKind.GOLD,
)


ABANDONED = TableSpec(
    name="abandoned",
    grain="a product or category that a profile looked at or put into a cart, and did not buy since",
    schema=columns(
        unified_id="string!",
        kind="string!",
        product_id="string",
        category="string",
        times="long!",
        last_seen_at_utc="timestamp!",
        value="decimal",
    ),
    keys=("unified_id", "kind", "product_id", "category"),
    kind=TableKind.GOLD,
    constraints={"known_kind": "kind IN ('browse', 'cart')"},
)


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


REASONS = T.ArrayType(
    T.StructType([T.StructField("reason", T.StringType()), T.StructField("contribution", T.DoubleType())])
)
"""The largest first, after what holds for everybody; the last one sums up the others."""


SCORE_MODELS = TableSpec(
    name="score_models",
    grain="a version of a model of people's events, with its evaluation",
    schema=columns(
        model="string!",
        version="int!",
        kind="string!",
        as_of_utc="timestamp!",
        created_at_utc="timestamp!",
        run_id="string!",
        definition_hash="string!",
        parameters="string!",
        evaluation="string!",
    ),
    keys=("model", "version"),
    kind=TableKind.APPEND,
)


SCORES = TableSpec(
    name="scores",
    grain="a profile's score by a model",
    schema=columns(
        unified_id="string!",
        model="string!",
        version="int!",
        score="double!",
        tier="int!",
        decile="int!",
        details="double_map!",
        reasons=REASONS,
    ),
    keys=("unified_id", "model"),
    kind=TableKind.GOLD,
)


OFFERS = TableSpec(
    name="offers",
    grain="a product offered to a profile, with rank and reason",
    schema=columns(
        unified_id="string!",
        rank="int!",
        product_id="string!",
        product_name="string!",
        category="string",
        score="double!",
        basis="string!",
        rule="string",
        because_product_id="string",
        reason="string!",
    ),
    keys=("unified_id", "rank"),
    kind=TableKind.GOLD,
)
