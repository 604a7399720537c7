"""The columns that are compared, in match form."""

from datetime import date

import pyarrow as pa
import pytest

from cdp_spark.config.match import BlockingKey, BlockingRule, Comparison, EntityMatch
from cdp_spark.errors import ContractError
from cdp_spark.resolution.features import make_features


def _match(**methods: str) -> EntityMatch:
    return EntityMatch.model_validate_json(
        EntityMatch(
            blocking=(BlockingRule(name="all", keys=tuple(BlockingKey(column=name) for name in methods)),),
            comparisons=tuple(
                Comparison(name=name, method=method, columns=(name,))  # type: ignore[arg-type]
                for name, method in methods.items()
            ),
        ).model_dump_json()
    )


@pytest.mark.parametrize(
    ("method", "values", "made"),
    [
        ("jaro_winkler", ["José  O'Brien-Müller", "..", None], ["jose obrien muller", None, None]),
        ("date", ["2026-01-31", "n/a", None], ["20260131", None, None]),
        ("date", [date(1980, 3, 2), None, date(999, 1, 1)], ["19800302", None, "9990101"]),
        ("phone", ["+49 30 123", "x", None], ["4930123", None, None]),
        ("email", [" Ann@X.org ", " ", None], ["ann@x.org", None, None]),
        ("digits", ["DE 123-4", "-", None], ["de1234", None, None]),
        ("set_overlap", [["b", "a"], [], None], ["a\nb", None, None]),
    ],
)
def test_forms(method: str, values: list[object], made: list[str | None]) -> None:
    found = make_features(pa.table({"x": pa.array(values)}), _match(x=method))["x"].to_pylist()
    assert [text and text.lstrip("0") for text in found] == made


def test_an_own_attribute_is_looked_up() -> None:
    attributes = pa.array([[("size", "XL")], [], None], pa.map_(pa.string(), pa.string()))
    assert make_features(pa.table({"attributes": attributes}), _match(size="exact"))["size"].to_pylist() == [
        "xl",
        None,
        None,
    ]


def test_a_column_that_is_nowhere_is_named() -> None:
    with pytest.raises(ContractError, match="size"):
        make_features(pa.table({"x": ["a"]}), _match(size="exact"))
