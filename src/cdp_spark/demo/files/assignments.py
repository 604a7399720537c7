"""A mailing that the demo's retailer ran as an experiment in another tool, and whose arms that tool hands over.

The mailing raises the chance to buy within the window by `EFFECT`. Purchases are drawn first, as for every other file,
and each person's arm then, given whether they bought: by Bayes' theorem arms and purchases are together just as if the
arm had been drawn first and had its effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cdp_spark.demo.files.delivery import first_nights
from cdp_spark.demo.files.lines import Format, text_bytes, text_lines
from cdp_spark.demo.sources.customers import shop_users
from cdp_spark.demo.sources.purchases import purchases_of_people
from cdp_spark.demo.words import stream

if TYPE_CHECKING:
    from pathlib import Path

    from cdp_spark.demo.words import Columns, Mask
    from cdp_spark.demo.world import World

NAME = "winter_mailing"
SENT_AT = np.datetime64("2025-12-01T09:00:00", "ms")
WINDOW_DAYS = 60
EFFECT = 0.4
"""Of the mailing: a chance of 10 % becomes one of 14 %."""
_CSV = Format("csv", ".csv")


def write_assignments(world: World, path: Path) -> int:
    """Write who got the mailing, and who was held out.

    Args:
        world: the truth.
        path: the file; its folder is made.
    Returns: rows written: one per account of the web shop that the first night knows.
    """
    columns = assignments(world)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text_bytes(text_lines(columns, _CSV), columns, _CSV))
    return len(columns["arm"])


def assignments(world: World) -> Columns:
    """One row per account: customer_id, arm and assigned_at. Accounts of one person are in one arm."""
    who, accounts, _ = shop_users(world)
    known = first_nights(stream(world.seed, "shop_customers", "delivery"), len(who), world.rates.delivery) == 1
    people = np.unique(who[known])
    mailed = np.zeros(world.person_count, bool)
    mailed[people] = draw_mailed(buyers(world)[people], stream(world.seed, NAME))
    return {
        "customer_id": accounts.filter(pa.array(known)),
        "arm": pa.array(np.where(mailed[who[known]], "mailing", "control"), pa.string()),
        "assigned_at": pa.array([f"{SENT_AT}Z"] * int(known.sum()), pa.string()),
    }


def buyers(world: World) -> Mask:
    """Who of the world's people bought in the window, in the shop or at a till."""
    person, times = purchases_of_people(world)
    inside = (times > SENT_AT) & (times <= SENT_AT + np.timedelta64(WINDOW_DAYS, "D"))
    bought = np.zeros(world.person_count, bool)
    bought[person[inside]] = True
    return bought


def draw_mailed(bought: Mask, rng: np.random.Generator) -> Mask:
    """Draw arms of the same size, given who bought."""
    control = 2 * bought.mean() / (2 + EFFECT)  # the chance without the mailing: half of all are without it
    mailed = control * (1 + EFFECT)
    given_bought = (1 + EFFECT) / (2 + EFFECT)
    given_not = (1 - mailed) / (2 - control - mailed)
    chosen: Mask = rng.random(len(bought)) < np.where(bought, given_bought, given_not)
    return chosen
