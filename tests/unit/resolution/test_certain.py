from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cdp_spark.config.match import EntityMatch
from cdp_spark.resolution.scoring import certain_rules

SAME, ALIKE, DIFFERENT, MISSING = 5, 2, 1, 0


def _match(**rule: Any) -> EntityMatch:
    return EntityMatch.model_validate(
        {
            "blocking": ({"name": "email", "keys": ({"column": "email"},)},),
            "comparisons": (
                {"name": "name", "method": "name", "columns": ("given_name", "family_name")},
                {"name": "birth_date", "method": "date", "columns": ("birth_date",)},
                {"name": "email", "method": "email", "columns": ("email",)},
            ),
            "deterministic": ({"name": "mailbox", "columns": ("email", "family_name"), **rule},),
        }
    )


@pytest.mark.parametrize(
    ("levels", "joins"),
    [
        ((SAME, SAME, SAME), True),
        ((ALIKE, MISSING, SAME), True),
        ((MISSING, MISSING, DIFFERENT), True),
        ((DIFFERENT, MISSING, SAME), False),
        ((SAME, DIFFERENT, SAME), False),
    ],
)
def test_a_rule_joins_nobody_whose_name_or_birth_date_contradicts(levels: tuple[int, ...], joins: bool) -> None:
    masks, found = np.array([0b11]), np.array([levels])

    assert certain_rules(_match(), masks, found).tolist() == [0b10 if joins else 0]
    assert certain_rules(_match(contradictions="ignore"), masks, found).tolist() == [0b10]


def test_a_pair_that_no_rule_finds_is_joined_by_none() -> None:
    assert certain_rules(_match(), np.array([0b01]), np.array([[SAME, SAME, SAME]])).tolist() == [0]
