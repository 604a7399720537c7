"""SQL conditions over two records."""

import pyarrow as pa
import pytest

from cdp_spark.conditions import find_mistake, grade_pairs
from cdp_spark.errors import DataError


def test_the_first_condition_that_holds_is_the_grade() -> None:
    pairs = pa.table({"a_l": ["x", "xy", None, "q"], "a_r": ["x", "x", "x", "r"]})
    assert grade_pairs(pairs, ["a_l = a_r", "starts_with(a_l, a_r)"]).tolist() == [3, 2, 0, 1]


def test_a_value_on_which_a_condition_fails_is_told() -> None:
    with pytest.raises(DataError, match="try_cast"):
        grade_pairs(pa.table({"a_l": ["x"], "a_r": ["1"]}), ["a_l::int = a_r::int"])


@pytest.mark.parametrize(
    "condition",
    [
        "a_l = a_r",
        "a_l[1:3] = a_r[1:3] AND length(a_l) > 2",
        "jaccard(a_l, a_r) > 0.5",
        "regexp_replace(a_l, '[0-9]', '', 'g') = a_r",
        "CASE WHEN a_l IS NULL THEN NULL ELSE a_l IN ('x', a_r) END",
    ],
)
def test_conditions(condition: str) -> None:
    assert find_mistake(condition, ["a"]) is None


@pytest.mark.parametrize(
    ("condition", "mistake"),
    [
        ("a_l =", "syntax error"),
        ("a_l = a_r; DROP TABLE x", "Only SELECT"),
        ("a_l = a_r, true", "more than one expression"),
        ("a_l = a_r FROM read_text('/etc/hostname')", "more than one expression"),
        ("true WHERE a_l = a_r", "more than one expression"),
        ("(SELECT content FROM read_text('/etc/hostname')) = a_l", "a subquery"),
        ("row_number() OVER () = 1", "a window"),
        ("count(a_l) = 1", "the function count"),
        ("random() < 0.5", "the function random"),
        ("a_l < current_date::text", "the function current_date"),
        ("a_l = b_r", "b_r"),
        ("length(a_l)", "an expression of type BIGINT"),
        ("", "without selection list"),
    ],
)
def test_what_is_no_condition(condition: str, mistake: str) -> None:
    assert mistake in (find_mistake(condition, ["a"]) or "")
