from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from tests.unit.insights.leads.people import CLOCK_US, events, score

from cdp_spark.config.insights.scores import FeaturesConfig
from cdp_spark.errors import DataError
from cdp_spark.insights.leads.features import DAY_US, Feature, build_features, choose_features, read_events
from cdp_spark.insights.leads.reasons import word_reason
from cdp_spark.insights.leads.snapshots import SnapshotPlan, build_snapshots, snapshot_times, split_snapshots

FEATURES = (
    Feature("count", "view", None, 7),
    Feature("count", "view", "tents", 30),
    Feature("recency", "view", None, 30),
    Feature("value", "buy", None, 30),
)


def test_features_count_what_happened_in_their_window_until_the_time_and_nothing_later() -> None:
    rows = events(
        ("ann", "view", 0, {"category": "tents"}),
        ("ann", "view", 6.9),
        ("ann", "view", 7, {"category": "tents"}),
        ("ann", "view", -0.001, {"category": "tents"}),
        ("ann", "buy", 3, {"value": "10.10"}),
        ("ann", "buy", 4, {"value": "-0.10"}),
        ("ann", "buy", 31, {"value": "99"}),
        ("bob", "buy", -1, {"value": "5"}),
    )
    found = build_features(read_events(rows), FEATURES, until_us=CLOCK_US)
    np.testing.assert_array_equal(found, [[2, 2, 0, 10], [0, 0, np.nan, 0]])
    later = build_features(read_events(rows), FEATURES, until_us=CLOCK_US + 5 * DAY_US)
    np.testing.assert_allclose(later, [[2, 3, 4.999, 10], [0, 0, np.nan, 5]])


def test_features_do_not_depend_on_the_order_of_the_events() -> None:
    rows = events(*((f"p{number % 3}", "view", number / 2) for number in range(30)))
    mixed = rows.take(pa.array(np.random.default_rng(1).permutation(30)))
    first, second = (build_features(read_events(it), FEATURES, until_us=CLOCK_US) for it in (rows, mixed))
    np.testing.assert_array_equal(first, second)


def test_a_model_counts_what_occurs_most_and_values_where_there_are_some() -> None:
    occurring = pa.table(
        {
            "event_type": ["view", "view", "buy", "rare"],
            "category": ["tents", None, None, "tents"],
            "events": [10, 5, 4, 1],
            "value": [0, 0, 4, 0],
        }
    )
    assert choose_features(occurring, FeaturesConfig(windows_days=(30, 7), event_types=("view", "buy"))) == (
        Feature("count", "buy", None, 7),
        Feature("count", "buy", None, 30),
        Feature("recency", "buy", None, 30),
        Feature("value", "buy", None, 30),
        Feature("count", "view", None, 7),
        Feature("count", "view", None, 30),
        Feature("recency", "view", None, 30),
        Feature("count", "view", "tents", 30),
    )


@pytest.mark.parametrize(
    ("event_type", "words"),
    [
        ("search", "2 searches in 7 days"),
        ("purchase", "2 purchases in 7 days"),
        ("add_to_cart", "2 add to carts in 7 days"),
    ],
)
def test_a_reason_speaks_of_several_events(event_type: str, words: str) -> None:
    assert word_reason([Feature("count", event_type, None, 7)], [2.0]) == words


@pytest.mark.parametrize(
    ("features", "figures", "words"),
    [
        (["count 7", "count 30", "recency 30"], [0, 8, 9.5], "8 page views in 30 days, the last 9 days ago"),
        (["count 7", "count 30", "recency 30"], [1, 1, 0.5], "1 page view in 7 days, the last less than a day ago"),
        (["count 7", "count 30", "recency 30"], [0, 0, np.nan], "no page view in 30 days"),
        (["count 30", "value 30"], [2, 1200.5], "2 page views in 30 days, worth 1,200.50 in 30 days"),
    ],
)
def test_a_reason_names_the_shortest_window_that_has_an_event(
    features: list[str], figures: list[float], words: str
) -> None:
    named = [Feature(measure, "page_view", None, int(days)) for measure, days in map(str.split, features)]  # type: ignore[arg-type]
    assert word_reason(named, figures) == words


def test_a_snapshot_has_features_from_before_it_and_the_outcome_from_after_it() -> None:
    rows = events(
        ("ann", "view", 25),
        ("ann", "buy", 15),
        ("bob", "view", 25),
        ("bob", "buy", 9.999),
        ("cat", "view", 5),
        ("dan", "view", 60),
        ("eve", "view", 25, {"entity_type": "visitor"}),
    )
    settings = score(population={"active_within_days": 20, "entity_types": ("person",)})
    features = (Feature("count", "view", None, 7), Feature("count", "buy", None, 7))
    times = tuple(CLOCK_US - days * DAY_US for days in (20, 10))
    plan = SnapshotPlan(settings.outcome, settings.population, features, times)
    assert build_snapshots(rows, plan).to_pylist() == [
        {"unified_id": "ann", "snapshot": 0, "outcome": True, "features": [1.0, 0.0]},
        {"unified_id": "bob", "snapshot": 0, "outcome": False, "features": [1.0, 0.0]},
        {"unified_id": "ann", "snapshot": 1, "outcome": False, "features": [0.0, 1.0]},
        {"unified_id": "bob", "snapshot": 1, "outcome": True, "features": [0.0, 0.0]},
    ]


def test_an_outcome_may_be_that_nothing_happens() -> None:
    settings = score(outcome={"event_types": ("buy",), "within_days": 10, "happens": False})
    plan = SnapshotPlan(settings.outcome, settings.population, (), (CLOCK_US - 10 * DAY_US,))
    rows = build_snapshots(events(("ann", "view", 11), ("bob", "view", 11), ("bob", "buy", 3)), plan)
    assert rows["outcome"].to_pylist() == [True, False]


def test_of_many_people_the_same_ones_are_taken_wherever_their_events_are() -> None:
    rows = events(*((f"p{number}", "view", 11) for number in range(100)))
    settings = score()
    plan = SnapshotPlan(settings.outcome, settings.population, (), (CLOCK_US - 10 * DAY_US,), one_in=4)
    whole = build_snapshots(rows, plan)["unified_id"].to_pylist()
    parts = [build_snapshots(rows.slice(start, 10), plan)["unified_id"].to_pylist() for start in range(0, 100, 10)]
    assert whole == sorted(name for part in parts for name in part)
    assert 10 < len(whole) < 40


def test_snapshots_end_before_the_clock_and_begin_when_the_longest_window_is_full() -> None:
    settings = score(features={"windows_days": (7, 30)}, snapshots=6)
    times = snapshot_times(settings, first_us=CLOCK_US - 75 * DAY_US, until_us=CLOCK_US)
    assert [(CLOCK_US - time) / DAY_US for time in times] == [40, 30, 20, 10]
    with pytest.raises(DataError, match=r"go back 59 days\. The model needs at least 60: a window of 30 days before"):
        snapshot_times(settings, first_us=CLOCK_US - 59 * DAY_US, until_us=CLOCK_US)


@pytest.mark.parametrize(
    ("snapshots", "learned", "judged"), [(3, [0], [2]), (6, [0, 1, 2, 3], [5]), (8, [*range(5)], [6, 7])]
)
def test_the_newest_snapshots_judge_and_the_one_before_calibrates(
    snapshots: int, learned: list[int], judged: list[int]
) -> None:
    split = split_snapshots(snapshots)
    assert ([*split.learned], [*split.judged]) == (learned, judged)
    assert [*split.calibrated] == [judged[0] - 1]
