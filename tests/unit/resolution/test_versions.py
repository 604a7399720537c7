"""Two versions of a model, side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pyspark.sql import SparkSession

from cdp_spark.config.match import BlockingKey, BlockingRule, Comparison, EntityMatch
from cdp_spark.resolution.learning.parameters import Parameters, Related
from cdp_spark.resolution.model import MatchModel
from cdp_spark.resolution.versions.compare import (
    LevelWeights,
    SideChanges,
    are_comparable,
    compare_levels,
    compare_priors,
    compare_related,
    count_side_changes,
    random_match_share,
)

CITY = Comparison(name="city", method="exact", columns=("city",), term_frequency=False)
EMAIL = Comparison(name="email", method="exact", columns=("email",), term_frequency=False)
MATCH = EntityMatch(blocking=(BlockingRule(name="name", keys=(BlockingKey(column="name"),)),), comparisons=(CITY,))
SCHEMA = "rule_mask long, levels string, weight_log2 double, deterministic boolean"


def model_of(prior: float, m: float, match: EntityMatch = MATCH) -> MatchModel:
    matched, other = (tuple(np.array([1.0, 1 - it, it]) for _ in match.comparisons) for it in (m, 0.5))
    forced = np.zeros((1, len(match.comparisons)), dtype=bool)
    parameters = Parameters(np.array([prior]), matched, other, 0.0, 1, converged=True)
    return MatchModel(match, ("name",), forced, parameters, {}, ())


def test_levels_and_priors_stand_side_by_side() -> None:
    other = model_of(0.2, 0.25, MATCH.model_copy(update={"comparisons": (CITY, EMAIL)}))
    first, *_, last = compare_levels(model_of(0.5, 0.75), other)
    assert first == LevelWeights("city", "different", (-1.0, float(np.log2(1.5))), (0.25, 0.75), (0.5, 0.5))
    assert last == LevelWeights("email", "equal", (None, -1.0), (None, 0.25), (None, 0.5))
    assert compare_priors(model_of(0.5, 0.75), replace(other, rule_names=("sound",))) == {
        "name": (0.5, None),
        "sound": (None, 0.2),
    }
    assert not are_comparable(model_of(0.5, 0.75), other)
    assert are_comparable(model_of(0.5, 0.75), model_of(0.2, 0.25))


def test_related_people_and_shared_weight_are_told() -> None:
    plain = model_of(0.5, 0.75)
    related = Related(np.array([0.1]), (np.array([1.0, 0.125, 0.875]),))
    knowing = replace(plain, parameters=replace(plain.parameters, related=related, shares=np.array([0.5])))
    level = compare_levels(plain, knowing)[0]
    assert level.weight_log2 == (-1.0, -0.5)
    assert level.r == (None, 0.125)
    assert compare_related(plain, knowing) == {"name": (None, 0.1)}
    assert compare_related(plain, plain) == {}


def test_pairs_change_sides(spark: SparkSession) -> None:
    rows = [(1, "2", 0.5, False)] * 3 + [(1, "1", -1.0, False)] * 2 + [(1, "0", 0.0, False), (1, "1", -1.0, True)]
    scores = spark.createDataFrame(rows, SCHEMA)
    found = count_side_changes(scores, model_of(0.5, 0.75), model_of(0.5, 0.25), threshold_log2=0.0)
    assert found == SideChanges(pairs=7, deterministic=1, both=1, only_first=3, only_second=2, neither=0)
    nothing = count_side_changes(scores.limit(0), model_of(0.5, 0.75), model_of(0.5, 0.25), threshold_log2=0.0)
    assert nothing == SideChanges(0, 0, 0, 0, 0, 0)


def test_the_share_of_random_pairs_that_match(spark: SparkSession) -> None:
    scores = spark.createDataFrame([(1, "2", 0.0, False), (1, "2", 0.0, True)], SCHEMA)
    assert random_match_share(scores, records=5) == pytest.approx(1.5 / 10)
    assert random_match_share(scores.limit(0), records=0) == 1e-9
