"""The people, households and companies that the demo's sources know something about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cdp_spark.demo.words import Columns, Mask, stream
from cdp_spark.demo.world.accounts import build_accounts
from cdp_spark.demo.world.people import build_people

if TYPE_CHECKING:
    from cdp_spark.demo.rates import Rates, SourceRates


@dataclass(frozen=True)
class World:
    """What is true; no source sees it whole.

    Args:
        people: one row per person, see `build_people`.
        accounts: one row per company, see `build_accounts`.
        presence: per source, which people it knows.
        rates: how the sources see them.
        seed: of every later draw.
    """

    people: Columns
    accounts: Columns
    presence: dict[str, Mask]
    rates: Rates
    seed: int

    @property
    def person_count(self) -> int:
        """How many people there are."""
        return len(self.people["last"])

    @property
    def account_count(self) -> int:
        """How many companies there are."""
        return len(self.accounts["account_no"])


def build_world(*, people: int, seed: int, rates: Rates) -> World:
    """Make the people and companies of a seed.

    Args:
        people: how many; at least 1.
        seed: the same seed makes the same world.
        rates: sizes and shares.
    Returns: the world.
    """
    accounts = build_accounts(stream(seed, "accounts"), people=people, rates=rates.world)
    persons = build_people(stream(seed, "people"), people=people, accounts=accounts, rates=rates.world)
    presence = _presence(stream(seed, "presence"), people, rates.source)
    return World(people=persons, accounts=accounts, presence=presence, rates=rates, seed=seed)


def _presence(rng: np.random.Generator, size: int, rates: SourceRates) -> dict[str, Mask]:
    """Decide who is in which source; the CRM also knows everybody whom no other source has."""
    shares = {
        "marketing": rates.marketing,
        "shop_customers": rates.shop,
        "till_customers": rates.till,
        "support_tickets": rates.support,
        "billing": rates.billing,
        "social": rates.social,
    }
    presence = {name: rng.random(size) < share for name, share in shares.items()}
    nowhere = ~np.any(list(presence.values()), axis=0)
    return presence | {"crm": nowhere | (rng.random(size) < rates.crm)}
