"""The demo's experiment: arms that are as if they had been drawn before people bought."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from cdp_spark.demo.files.assignments import EFFECT, assignments, draw_mailed
from cdp_spark.demo.rates import Rates
from cdp_spark.demo.sources.customers import shop_users
from cdp_spark.demo.world import World, build_world


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(people=1_000, seed=7, rates=Rates())


def test_arms_are_of_one_size_and_the_mailing_has_its_effect() -> None:
    bought = np.arange(400_000) % 5 == 0
    mailed = draw_mailed(bought, np.random.default_rng(1))
    assert mailed.mean() == pytest.approx(0.5, abs=0.005)
    assert bought[mailed].mean() / bought[~mailed].mean() == pytest.approx(1 + EFFECT, abs=0.02)


def test_the_file_names_accounts_of_the_shop_and_keeps_a_persons_accounts_together(world: World) -> None:
    who, accounts, _ = shop_users(world)
    person_of = dict(zip(accounts.to_pylist(), who.tolist(), strict=True))
    columns = assignments(world)
    people = [person_of[it] for it in columns["customer_id"].to_pylist()]
    arms: dict[int, set[str]] = {}
    for person, arm in zip(people, columns["arm"].to_pylist(), strict=True):
        arms.setdefault(person, set()).add(arm)
    assert len(arms) < len(people)
    assert Counter(map(len, arms.values())).keys() == {1}
    assert set.union(*arms.values()) == {"control", "mailing"}
    assert set(columns["assigned_at"].to_pylist()) == {"2025-12-01T09:00:00.000Z"}
