from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from tests.unit.insights.offers.shop import AS_OF, lines

from cdp_spark.errors import ContractError
from cdp_spark.insights.offers.purchases import Purchases, read_purchases


def read(*texts: str) -> Purchases:
    return read_purchases(lines(*texts), as_of=AS_OF)


def bought(purchases: Purchases) -> list[tuple[str, str, int]]:
    people, products = purchases.people.to_pylist(), purchases.products.to_pylist()
    entries = zip(purchases.person, purchases.product, purchases.age_days.tolist(), strict=True)
    return [(people[person], products[product], age) for person, product, age in entries]


def test_lines_of_a_day_are_one_purchase_and_stand_by_person_product_and_day() -> None:
    purchases = read("bo milk 3", "al tea 9", "bo milk 3 2", "bo milk 8", "al milk 1")
    assert bought(purchases) == [("al", "milk", 1), ("al", "tea", 9), ("bo", "milk", 8), ("bo", "milk", 3)]
    assert purchases.spend.tolist() == [20, 30]


@pytest.mark.parametrize(
    ("texts", "left"),
    [
        (["al tent 9", "al tent 5", "al tent 2 -1"], [9]),
        (["al tent 9 3", "al tent 2 -2"], [9]),
        (["al tent 9 1", "al tent 5 1", "al tent 2 -2"], []),
        (["al tent 9 -1", "al tent 5"], [5]),
        (["al tent 9", "al tent 9 -1"], []),
        (["al tent 9", "al tent 7 -4", "al tent 5"], [5]),
        (["al tent 9", "al tent 5 0"], [9]),
    ],
)
def test_a_return_takes_back_the_latest_purchase_before_it(texts: list[str], left: list[int]) -> None:
    assert [age for *_, age in bought(read(*texts))] == left


def test_a_return_takes_back_nothing_of_other_products_and_people() -> None:
    purchases = read("al tent 9", "al tea 9", "bo tent 9", "al tent 1 -1")
    assert bought(purchases) == [("al", "tea", 9), ("bo", "tent", 9)]


def test_spend_is_net_over_a_year_whichever_sign_a_return_has() -> None:
    texts = ["al tent 364 1 100", "al tent 365 1 50", "al tent 5 -1 100", "al tea 5 -1 -7.5", "al tea 3 1 0.1"]
    assert read(*texts).spend.tolist() == [-7.4]


def test_rows_without_person_product_or_time_and_those_of_later_days_are_left_out() -> None:
    rows = pa.table(
        {
            "unified_id": ["al", None, "al", "al", "al", "al"],
            "product_id": ["tea", "tea", None, "tea", "milk", "tea"],
            "occurred_at_utc": pa.array(
                [datetime(2026, 6, day, 23, tzinfo=UTC) for day in (30, 1, 1)]
                + [None, datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 6, 29, 12, tzinfo=UTC)]
            ),
            "quantity": pa.array([None, 1.0, 1.0, 1.0, 1.0, float("nan")]),
            "value": pa.array([None, 1.0, 1.0, 1.0, 1.0, 5.0]),
        }
    )
    purchases = read_purchases(rows, as_of=AS_OF)
    assert bought(purchases) == [("al", "tea", 1), ("al", "tea", 0)]
    assert purchases.spend.tolist() == [5.0]


def test_people_and_products_that_are_not_asked_for_are_left_out_but_their_spend_counts() -> None:
    purchases = read_purchases(
        lines("al tea 1", "bo tea 1", "al old 2"),
        as_of=AS_OF,
        products=pa.array(["milk", "tea"]),
        people=pa.array(["al", "cy"]),
    )
    assert bought(purchases) == [("al", "tea", 1)]
    assert purchases.spend.tolist() == [20, 0]


def test_no_purchases_at_all_are_no_entries() -> None:
    purchases = read()
    assert (bought(purchases), len(purchases.people), purchases.spend.tolist()) == ([], 0, [])


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ContractError, match=r"^purchases: got no column quantity; allowed: unified_id, product_id"):
        read_purchases(lines("al tea 1").drop_columns(["quantity"]), as_of=date(2026, 1, 1))
