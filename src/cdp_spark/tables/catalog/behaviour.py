"""What people's events come to: sessions, credit for conversions, funnels, cohorts and what was left behind."""

from __future__ import annotations

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
