"""Offers from purchase lines, whole."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from tests.unit.insights.offers.shop import AS_OF, lines, products

from cdp_spark.config.insights.offers import OffersConfig
from cdp_spark.insights.offers.model import OFFERS, fit_offers, make_offers

CAMPING = [f"{person} {product} 12" for person in ("ann", "bob", "cem") for product in ("stove", "tent")]
GROCERIES = [f"{person} milk {day}" for person in ("dan", "eve", "fay", "gus", "hal", "ida") for day in (30, 16, 2)]
CATALOGUE = products("tent Dome camping", "stove Burner camping", "milk Milk dairy", "pack Trekker bags")
WEIGHTS = {"again": 1, "together": 8, "category_damping": None, "new": 1, "again_half_life_days": None}


def config(**settings: object) -> OffersConfig:
    return OffersConfig.model_validate({"weights": WEIGHTS, **settings}, strict=False)


def offers(
    rows: pa.Table, settings: OffersConfig | None = None, catalogue: pa.Table | None = CATALOGUE, **more: Any
) -> list[tuple[str, int, str, str]]:
    model = fit_offers(rows, catalogue, settings or config(), as_of=AS_OF)
    found = make_offers(model, rows, **more)
    assert found.schema == OFFERS
    return [(row["unified_id"], row["rank"], row["product_name"], row["reason"]) for row in found.to_pylist()]


def of(person: str, found: list[tuple[str, int, str, str]]) -> list[tuple[int, str, str]]:
    return [(rank, name, reason) for who, rank, name, reason in found if who == person]


def test_a_person_is_offered_what_they_buy_again_what_goes_with_it_and_what_is_popular() -> None:
    rows = lines(*CAMPING, *GROCERIES, "zoe tent 12", "zoe milk 40", "zoe milk 26")
    found = offers(rows, config(repeatable=("dairy",)))
    assert of("zoe", found) == [
        (1, "Milk", "Bought 2 times, about every 14 days; last 26 days ago."),
        (2, "Burner", "Goes with Dome, bought 12 days ago: 2.5 times as often together as by chance."),
    ]
    assert of("dan", found) == [
        (1, "Milk", "Bought 3 times, about every 14 days; last 2 days ago."),
        (2, "Dome", "Popular now: number 2 of all products."),
        (3, "Burner", "Popular now: number 3 of all products."),
    ]


def test_a_row_has_score_basis_and_the_product_it_rests_on() -> None:
    rows = lines(*CAMPING, *GROCERIES, "zoe tent 12")
    settings = config(repeatable="none", offers_per_person=1, exclude={"products": ["milk"]})
    model = fit_offers(rows, CATALOGUE, settings, as_of=AS_OF)
    assert make_offers(model, rows, people=pa.array(["zoe"])).to_pylist() == [
        {
            "unified_id": "zoe",
            "rank": 1,
            "product_id": "stove",
            "product_name": "Burner",
            "category": "camping",
            "score": pytest.approx(model.popularity[2] * (23 / 21.2) ** 8),
            "basis": "together",
            "rule": None,
            "because_product_id": "tent",
            "reason": "Goes with Dome, bought 12 days ago: 2.5 times as often together as by chance.",
        }
    ]


def test_a_person_who_has_much_of_a_category_is_offered_more_of_it_and_told_so() -> None:
    people = [f"{person} {product} 9" for person in "abcdef" for product in ("milk", "tea", "pen")]
    likes = [f"zoe {product} 12" for product in ("oolong", "sencha", "assam")]
    catalogue = products(
        *[f"{it} {it} tea" for it in ("tea", "oolong", "sencha", "assam")], "milk milk dairy", "pen pen desk"
    )
    weights = {"together": 0, "category_damping": 3, "popular_half_life_days": None}
    found = offers(lines(*people, *likes), config(weights=weights, repeatable="none"), catalogue)
    assert of("zoe", found) == [
        (1, "tea", "Often buys tea: 3 of 3 products."),
        (2, "milk", "The most popular product now."),
        (3, "pen", "Popular now: number 2 of all products."),
    ]
    model = fit_offers(lines(*people, *likes), catalogue, config(weights=weights, repeatable="none"), as_of=AS_OF)
    scores = make_offers(model, lines(*likes))["score"].to_pylist()
    share = 9 / 21
    assert scores[:2] == pytest.approx([0.1 * 6 / 7 * (3 + 3 * share) / (6 * share), 0.1 * 6 / 7 * 3 / 6])


def test_a_newcomer_is_offered_what_is_popular() -> None:
    found = offers(lines(*CAMPING, *GROCERIES), people=pa.array(["new", "new", None]))
    assert found == [
        ("new", 1, "Milk", "The most popular product now."),
        ("new", 2, "Burner", "Popular now: number 2 of all products."),
        ("new", 3, "Dome", "Popular now: number 3 of all products."),
    ]


def test_a_person_with_one_purchase_is_told_so() -> None:
    rows = lines(*GROCERIES, "zoe milk 1")
    assert of("zoe", offers(rows, config(repeatable="all"))) == [(1, "Milk", "Bought once, yesterday.")]


@pytest.mark.parametrize("catalogue", [None, CATALOGUE])
def test_without_purchases_nothing_is_offered(catalogue: pa.Table | None) -> None:
    assert offers(lines(), config(), catalogue) == []
    assert offers(lines(), config(weights="auto"), catalogue, people=pa.array(["new"])) == []


def test_a_returned_product_is_offered_as_new_and_leads_to_nothing() -> None:
    rows = lines(*CAMPING, *GROCERIES, "zoe tent 12", "zoe tent 3 -1")
    assert [name for _, name, _ in of("zoe", offers(rows, people=pa.array(["zoe"])))] == ["Milk", "Burner", "Dome"]


def test_a_product_that_is_in_the_catalogue_no_more_is_not_offered_but_still_tells_what_goes_with_it() -> None:
    rows = lines(*CAMPING, *GROCERIES, "zoe tent 12")
    without = products("stove Burner camping", "milk Milk dairy")
    assert of("zoe", offers(rows, catalogue=without)) == [
        (1, "Milk", "The most popular product now."),
        (2, "Burner", "Goes with tent, bought 12 days ago: 2.5 times as often together as by chance."),
    ]


def test_a_renamed_product_keeps_its_purchases_and_shows_the_name_that_is_valid() -> None:
    versions = [("Milk", 99), ("Whole-Milk", 10), ("Milk-of-July", -1)]
    catalogue = pa.table(
        {
            "product_id": ["milk"] * 3,
            "name": [name for name, _ in versions],
            "category": ["dairy"] * 3,
            "in_stock": [None, None, None],
            "valid_from_utc": [AS_OF - timedelta(days=days) for _, days in versions],
        }
    )
    assert of("dan", offers(lines(*GROCERIES), config(repeatable="all"), catalogue)) == [
        (1, "Whole-Milk", "Bought 3 times, about every 14 days; last 2 days ago.")
    ]


def test_what_is_out_of_stock_or_excluded_is_not_offered() -> None:
    rows = lines(*CAMPING, *GROCERIES, "zoe tea 12")
    catalogue = products("tent Dome camping out", "stove Burner camping", "milk Milk dairy", "tea Tea dry")
    exclude = {"products": ["stove"]}
    assert [name for _, name, _ in of("zoe", offers(rows, config(exclude=exclude, repeatable="none"), catalogue))] == [
        "Milk"
    ]


def test_auto_finds_in_the_purchases_which_categories_are_bought_again() -> None:
    rows = lines(
        *[
            f"{person}{number} {rest}"
            for number in range(20)
            for person, rest in (it.split(maxsplit=1) for it in [*CAMPING, *GROCERIES])
        ]
    )
    found = offers(rows)
    assert next(name for _, name, _ in of("dan0", found)) == "Milk"
    assert [name for _, name, _ in of("ann0", found)] == ["Milk"]


def test_a_category_has_no_more_offers_than_allowed() -> None:
    goods = [f"p{number:03d}" for number in range(150)]
    rows = lines(
        *[f"u{number} {good} 5" for good in goods[:120] for number in range(3)],
        *[f"u0 {good} 5" for good in goods[120:]],
    )
    catalogue = products(
        *[f"{good} {good.upper()} {'many' if number < 130 else 'few'}" for number, good in enumerate(goods)]
    )
    found = offers(rows, config(max_per_category=2, offers_per_person=5), catalogue, people=pa.array(["new"]))
    assert [name for _, name, _ in of("new", found)] == ["P000", "P001"]
    bought = offers(rows, config(max_per_category=2, offers_per_person=5, repeatable="all"), catalogue)
    assert [name for _, name, _ in of("u0", bought)] == ["P000", "P001", "P130", "P131"]


RULE = {
    "name": "backpack",
    "offer": {"products": ["pack"]},
    "when": {
        "bought": {"categories": ["camping"]},
        "signals": [{"event_type": "email_open", "categories": ["boots"], "within_days": 30}],
        "spend_per_year": {"min": 250, "max": 1000},
    },
}
SIGNALS = pa.table(
    {
        "unified_id": ["yes", "poor", "late", "future", "other", "unknown", "rich"],
        "event_type": ["email_open"] * 7,
        "category": ["boots", "boots", "boots", "boots", "tents", None, "boots"],
        "occurred_at_utc": [AS_OF - timedelta(days=days) for days in (29, 1, 30, -1, 1, 1, 0)],
    }
)
SPENDERS = [
    *[f"{who} tent 9 1 250" for who in ("yes", "late", "future", "other", "unknown", "silent")],
    "poor tent 9 1 249.99",
    "rich tent 9 1 1000.01",
    "dry milk 9 1 500",
]


def test_a_rule_puts_a_product_first_for_those_who_meet_all_of_it_and_says_why() -> None:
    found = offers(lines(*CAMPING, *SPENDERS), config(rules=[RULE]), signals=SIGNALS)
    assert of("yes", found)[0] == (1, "Trekker", "Bought camping; email_open: boots; spends 250–1,000 a year.")
    assert {who for who, _, name, _ in found if name == "Trekker"} == {"yes"}


def test_a_rule_has_its_own_words_and_needs_signals_to_be_met() -> None:
    rule = {**RULE, "reason": "For your next tour."}
    rows = lines(*CAMPING, *SPENDERS)
    assert of("yes", offers(rows, config(rules=[rule]), signals=SIGNALS))[0] == (1, "Trekker", "For your next tour.")
    assert "Trekker" not in {name for _, _, name, _ in offers(rows, config(rules=[rule]))}


@pytest.mark.parametrize(
    ("action", "offered"), [("only", {"cat"}), ("never", {"ann", "bob"}), ("first", {"ann", "bob", "cat"})]
)
def test_rules_keep_products_for_some_and_from_others(action: str, offered: set[str]) -> None:
    rows = lines("ann milk 5 1 10", "bob milk 5 1 20", "cat milk 5 1 90", "eve stove 5")
    rule = {"name": "r", "action": action, "offer": {"products": ["stove"]}, "when": {"spend_per_year": {"min": 50}}}
    found = offers(rows, config(rules=[rule]))
    assert {who for who, _, name, _ in found if name == "Burner"} == offered


def test_the_first_of_two_rules_that_name_a_product_gives_the_reason() -> None:
    anybody = {"when": {"spend_per_year": {"min": 0}}, "offer": {"categories": ["camping"]}}
    rules = [
        {"name": "a", **anybody, "offer": {"products": ["tent"]}, "reason": "A."},
        {"name": "b", **anybody, "reason": "B."},
    ]
    found = offers(lines(*CAMPING, "zoe milk 5"), config(rules=rules))
    assert of("zoe", found) == [(1, "Dome", "A."), (2, "Burner", "B.")]


def test_what_a_rule_puts_first_is_not_offered_to_those_who_have_it_nor_out_of_stock() -> None:
    rule = {"name": "r", "offer": {"categories": ["camping"]}, "when": {"spend_per_year": {"min": 0}}}
    catalogue = products("tent Dome camping out", "stove Burner camping", "milk Milk dairy")
    found = offers(lines(*CAMPING, "zoe milk 5"), config(rules=[rule], repeatable="none"), catalogue)
    assert of("zoe", found) == [(1, "Burner", "Spends at least 0 a year.")]
    assert "Burner" not in {name for _, name, _ in of("ann", found)}


def test_no_reason_names_another_person() -> None:
    rows = lines(*CAMPING, *GROCERIES, "zoe tent 12")
    people = set(rows["unified_id"].to_pylist())
    found = offers(rows)
    assert found
    assert not [reason for *_, reason in found if people & set(reason.lower().replace(".", " ").split())]


def test_later_purchases_and_signals_do_not_count() -> None:
    assert offers(lines("ann milk -1"), people=pa.array(["ann"])) == []
    model = fit_offers(lines("ann milk 5"), None, config(), as_of=date(2026, 6, 1))
    assert model.catalogue.names == ("milk",)
    assert not model.popularity.any()
