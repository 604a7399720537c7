"""Events of people, and a world of which the truth is known."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from cdp_spark.config.insights.scores import ScoreConfig
from cdp_spark.insights.leads.features import DAY_US

CLOCK_US = 20_000 * DAY_US
SCHEMA = pa.schema(
    [
        ("unified_id", pa.string()),
        ("entity_type", pa.string()),
        ("event_type", pa.string()),
        ("occurred_at_utc", pa.timestamp("us", "UTC")),
        ("category", pa.string()),
        ("value", pa.decimal128(18, 4)),
    ]
)


def events(*rows: tuple[str, str, float] | tuple[str, str, float, dict[str, Any]]) -> pa.Table:
    """Events as (person, type, days before the clock, other values)."""
    made = []
    for who, kind, days, *others in rows:
        values: dict[str, Any] = {"unified_id": who, "entity_type": "person", "event_type": kind}
        values["occurred_at_utc"] = CLOCK_US - round(days * DAY_US)
        values |= others[0] if others else {}
        made.append({**values, "value": Decimal(values["value"])} if "value" in values else values)
    columns = [pa.array([row.get(it.name) for row in made], it.type) for it in SCHEMA]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def score(**changes: Any) -> ScoreConfig:
    given = {"name": "will_buy", "outcome": {"event_types": ("buy",), "within_days": 10}}
    return ScoreConfig.model_validate({**given, **changes})


def draw_visitors(people: int, seed: int) -> tuple[pa.Table, dict[str, float]]:
    """People who view at a steady pace of their own, and buy in every ten days with a chance that follows from it.

    Returns: their events of 100 days, and the chance of each.
    """
    random = np.random.default_rng(seed)
    pace = random.choice([0.05, 0.5], people)
    chance = np.where(pace > 0.1, 0.4, 0.05)
    names = [f"p{number:05}" for number in range(people)]
    made: list[pa.Table] = []
    for kind, rate in (("view", pace * 100), ("buy", None)):
        days = [random.random(random.poisson(it)) * 100 for it in rate] if rate is not None else _buys(random, chance)
        who = np.repeat(np.array(names), [len(it) for it in days])
        at = CLOCK_US - (np.concatenate(days) * DAY_US).astype(np.int64)
        size = len(who)
        columns = [
            pa.array(who),
            pa.repeat("person", size),
            pa.repeat(kind, size),
            pa.array(at),
            pa.nulls(size),
            pa.nulls(size),
        ]
        made.append(pa.table(dict(zip(SCHEMA.names, columns, strict=True))).cast(SCHEMA))
    return pa.concat_tables(made), dict(zip(names, chance.tolist(), strict=True))


def _buys(random: np.random.Generator, chance: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(random.random(10) < it) * 10 + random.random() * 9.9 for it in chance]
