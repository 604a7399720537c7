"""The benchmark of offers: rivals and sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from benchmarks.offers import rivals
from benchmarks.offers.run import main, measure
from benchmarks.offers.sets import generated_purchases
from tests.unit.insights.offers.shop import AS_OF, lines

from cdp_spark.insights.offers.purchases import read_purchases
from cdp_spark.insights.offers.tuning import make_trial

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdp_spark.insights.offers.tuning import Trial

PURCHASES = ["al b 90", "al b 80", "al c 40", "al a 3", "bo a 40", "cy a 40", "cy b 40", "dy d 30"]


def trial() -> Trial:
    made = make_trial(read_purchases(lines(*PURCHASES), as_of=AS_OF), horizon_days=10)
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("rival", "both", "repeat", "new"),
    [
        (rivals.popularity, [0, 1, 2, 3], [1, 2], [0, 3]),
        (rivals.recent_popularity, [0, 1, 3, 2], [1, 2], [0, 3]),
        (rivals.personal_frequency, [1, 2], [1, 2], []),
        (rivals.personal_then_popular, [1, 2, 0, 3], [1, 2], [0, 3]),
    ],
)
def test_a_rival_ranks_what_a_person_has_what_they_have_not_and_both(
    rival: Callable[[Trial], rivals.Scores], both: list[int], repeat: list[int], new: list[int]
) -> None:
    them = trial()
    lists = {task: rivals.rank(them, rival(them), task)[0].tolist() for task in ("both", "repeat", "new")}
    assert {task: [number for number in ten if number >= 0] for task, ten in lists.items()} == {
        "both": both,
        "repeat": repeat,
        "new": new,
    }


def test_generated_purchases_are_the_same_for_the_same_seed() -> None:
    rows = generated_purchases(50, 400, products=100, seed=1)
    assert rows.equals(generated_purchases(50, 400, products=100, seed=1))
    assert (rows.num_rows, len(rows["unified_id"].unique()) <= 50) == (400, True)


def test_measured_purchases_are_all_offered_something() -> None:
    assert "40 people, 400 purchases, 100 products" in measure(40, 400, 100)
    assert " 400 offers" in measure(40, 400, 100)


def test_a_set_that_is_not_here_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    main(["grocery_sample", "--data", "no-such-folder"])
    assert "grocery_sample: not measured, no such folder" in capsys.readouterr().out
