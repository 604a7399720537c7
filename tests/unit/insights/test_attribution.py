"""Attribution: each model's credits, exact sums, and Markov chains against examples worked out by hand."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import get_args

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdp_spark import columns as c
from cdp_spark.config.insights.behaviour import AttributionModel
from cdp_spark.errors import ConfigError, ContractError, DataError
from cdp_spark.insights.attribution import AttributionRules, credit_touches
from cdp_spark.insights.markov import add_transitions, count_transitions, removal_effects

CONVERTED = datetime(2024, 5, 1, tzinfo=UTC)
UNIT = 2**-30
Journey = tuple[tuple[str, ...], bool]


def touches(*paths: tuple[str | None, ...], days: int = 7, value: float = 100.0) -> pa.Table:
    """Conversions k00, k01, …; a path's touches are so many days apart, the last so many before the conversion."""
    rows = [
        (f"k{number:02}", CONVERTED - timedelta(days=days * (len(path) - place)), channel)
        for number, path in enumerate(paths)
        for place, channel in enumerate(path)
    ]
    utc = pa.timestamp("us", tz="UTC")
    return pa.table(
        {
            c.CONVERSION_KEY: pa.array([row[0] for row in rows], pa.string()),
            c.CONVERTED_AT: pa.array([CONVERTED] * len(rows), utc),
            c.OCCURRED_AT: pa.array([row[1] for row in rows], utc),
            c.CHANNEL: pa.array([row[2] for row in rows], pa.string()),
            c.CAMPAIGN: pa.array([None] * len(rows), pa.string()),
            c.VALUE: pa.array([value] * len(rows), pa.float64()),
        }
    )


def journeys(*paths: Journey) -> pa.Table:
    rows = [(f"j{number}", it, ends) for number, (path, ends) in enumerate(paths) for it in path]
    return pa.table(
        {
            c.JOURNEY_KEY: pa.array([row[0] for row in rows], pa.string()),
            c.CHANNEL: pa.array([row[1] for row in rows], pa.string()),
            c.CONVERTED: pa.array([row[2] for row in rows], pa.bool_()),
        }
    )


PATH = ("search", "email", "social", "email", "direct")


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("first", [1, 0, 0, 0, 0]),
        ("last", [0, 0, 0, 0, 1]),
        ("last_non_direct", [0, 0, 0, 1, 0]),
        ("linear", [0.2] * 5),
        ("position", [0.4, 0.2 / 3, 0.2 / 3, 0.2 / 3, 0.4]),
        ("time_decay", [1 / 31, 2 / 31, 4 / 31, 8 / 31, 16 / 31]),
        ("data_driven", [0.4, 0.1, 0.3, 0.1, 0.1]),
    ],
)
def test_each_model_shares_a_conversion(model: AttributionModel, expected: list[float]) -> None:
    effects = {"search": 0.8, "email": 0.4, "social": 0.6, "direct": 0.2}
    credited = credit_touches(touches(PATH), AttributionRules(model, effects=effects))
    assert credited[c.CREDIT].to_pylist() == pytest.approx(expected, abs=UNIT)
    assert credited[c.CREDITED_VALUE].to_pylist() == pytest.approx([100 * it for it in expected], abs=100 * UNIT)
    assert sum(credited[c.CREDIT].to_pylist()) == 1.0


@pytest.mark.parametrize(("path", "expected"), [(("a",), [1.0]), (("a", "b"), [0.5, 0.5])])
def test_short_paths_by_position(path: tuple[str, ...], expected: list[float]) -> None:
    assert credit_touches(touches(path), AttributionRules("position"))[c.CREDIT].to_pylist() == expected


def test_a_path_of_direct_touches_only_is_the_last_ones() -> None:
    credited = credit_touches(touches(("direct", None), (None, "search", None)), AttributionRules())
    assert credited[c.CREDIT].to_pylist() == [0.0, 1.0, 0.0, 1.0, 0.0]


def test_channels_without_effect_share_equally() -> None:
    credited = credit_touches(touches(("a", "b")), AttributionRules("data_driven", effects={"other": 1.0}))
    assert credited[c.CREDIT].to_pylist() == [0.5, 0.5]


def test_no_touches_have_no_credits() -> None:
    assert credit_touches(touches(), AttributionRules("linear")).num_rows == 0


def test_wrong_settings_and_rows_out_of_order_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"attribution.half_life: got 0:00:00; allowed: more than zero"):
        AttributionRules(half_life=timedelta(0))
    with pytest.raises(ConfigError, match=r"attribution.effects: got none"):
        AttributionRules("data_driven")
    with pytest.raises(ContractError, match="rows sorted by conversion_key, occurred_at_utc"):
        credit_touches(touches(("a", "b")).take([1, 0]), AttributionRules())


@settings(max_examples=100)
@given(
    st.lists(st.lists(st.sampled_from(["a", "b", "direct", None]), min_size=1, max_size=40), max_size=12),
    st.sampled_from(get_args(AttributionModel)),
    st.integers(0, 400),
    st.randoms(),
)
def test_credits_of_a_conversion_sum_to_exactly_one_in_any_order(
    paths: list[list[str | None]], model: AttributionModel, days: int, shuffler: random.Random
) -> None:
    rules = AttributionRules(model, effects={"a": 0.3, "b": 0.1})
    rows = credit_touches(touches(*map(tuple, paths), days=days), rules).to_pylist()
    shuffler.shuffle(rows)
    sums: Counter[str] = Counter()
    for row in rows:
        assert row[c.CREDIT] >= 0
        sums[row[c.CONVERSION_KEY]] += row[c.CREDIT]
    assert sums == {f"k{number:02}": 1.0 for number in range(len(paths))}


def test_removal_effects_of_a_published_example() -> None:
    """Puzyrov 2019: from the start 4/5 go to ads, of which 1/2 convert and 1/4 go on to mailing, which always converts.

    So 0.8 convert: without ads 0.2, without mailing 0.4.
    """
    paths = [(("ads",), True), (("ads",), True), (("mailing",), True), (("ads", "mailing"), True), (("ads",), False)]
    counts = count_transitions(journeys(*paths))
    assert [tuple(row.values()) for row in counts.to_pylist()] == [
        ("(start)", "ads", 4),
        ("(start)", "mailing", 1),
        ("ads", "(conversion)", 2),
        ("ads", "(nothing)", 1),
        ("ads", "mailing", 1),
        ("mailing", "(conversion)", 2),
    ]
    assert removal_effects(counts) == pytest.approx({"ads": 0.75, "mailing": 0.5})


def test_removal_effects_of_three_channels() -> None:
    """Bryl 2016: of C1 C2 C3 only the first journey converts; a third of all would, without C1 a sixth."""
    counts = count_transitions(journeys((("c1", "c2", "c3"), True), (("c1",), False), (("c2", "c3"), False)))
    assert removal_effects(counts) == pytest.approx({"c1": 0.5, "c2": 1.0, "c3": 1.0})


def test_removal_effects_need_a_conversion() -> None:
    with pytest.raises(DataError, match="attribution: got no journey with a conversion"):
        removal_effects(count_transitions(journeys((("a",), False))))


steps = st.lists(
    st.tuples(st.lists(st.sampled_from("abc"), min_size=1, max_size=5).map(tuple), st.booleans()),
    min_size=1,
    max_size=12,
)


@given(steps, st.integers(0, 12))
def test_transitions_of_batches_add_up(paths: list[Journey], cut: int) -> None:
    parts = [count_transitions(journeys(*part)) for part in (paths[:cut], paths[cut:])]
    assert add_transitions(pa.concat_tables(parts)) == count_transitions(journeys(*paths))


@given(steps.filter(lambda paths: any(converts for _, converts in paths)))
def test_removal_effects_are_shares_of_the_conversions_and_repeats_change_nothing(paths: list[Journey]) -> None:
    effects = removal_effects(count_transitions(journeys(*paths)))
    assert all(-1e-12 <= it <= 1 + 1e-12 for it in effects.values())
    assert all(effects[channel] > 0 for path, converts in paths if converts for channel in path)
    twice = [(tuple(it for it in path for _ in range(2)), converts) for path, converts in paths]
    assert removal_effects(count_transitions(journeys(*twice))) == pytest.approx(effects)
