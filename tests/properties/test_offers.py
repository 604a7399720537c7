"""Offers equal a naive statement of their definition, whatever the order of rows and however people are grouped."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from functools import reduce
from itertools import pairwise, permutations
from math import exp, log
from operator import add

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.insights.offers.shop import AS_OF

from cdp_spark.config.insights.offers import OffersConfig, OfferWeights
from cdp_spark.insights.offers.catalogue import read_catalogue
from cdp_spark.insights.offers.evidence import DAMPING, choose_neighbours
from cdp_spark.insights.offers.model import count_group, fit_offers, make_offers, model_of_counts

Line = tuple[str, str, int, int]
LINES = st.lists(
    st.tuples(
        st.sampled_from("abcdefg"), st.sampled_from("pqrstuv"), st.integers(0, 60), st.sampled_from([1, 1, 1, 2, -1])
    ),
    max_size=40,
)
WEIGHTS = OfferWeights(again=0.2, together=8, new=0.5, again_half_life_days=20, popular_half_life_days=30)
CONFIG = OffersConfig(weights=WEIGHTS, repeatable="all")
PAIRS = ["product", "neighbour"]


def table(rows: list[Line]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * 4
    return pa.table(
        {
            "unified_id": pa.array(columns[0], pa.string()),
            "product_id": pa.array(columns[1], pa.string()),
            "occurred_at_utc": pa.array([AS_OF - timedelta(days=days) for days in columns[2]], pa.date32()),
            "quantity": pa.array([float(it) for it in columns[3]], pa.float64()),
            "value": pa.array([1.0] * len(rows), pa.float64()),
        }
    )


def offers(rows: pa.Table, config: OffersConfig = CONFIG) -> pa.Table:
    return make_offers(fit_offers(rows, None, config, as_of=AS_OF), rows)


def kept_days(rows: list[Line]) -> dict[str, dict[str, list[int]]]:
    """Days of each person's purchases per product, latest first, one unit at a time."""
    by_day: defaultdict[tuple[str, str, int], int] = defaultdict(int)
    for person, product, days, quantity in rows:
        by_day[person, product, days] += quantity
    units: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for (person, product, days), quantity in sorted(by_day.items(), key=lambda it: -it[0][2]):
        mine = units[person, product]
        mine += [days] * quantity
        del mine[max(len(mine) + min(quantity, 0), 0) :]
    found: defaultdict[str, dict[str, list[int]]] = defaultdict(dict)
    for (person, product), mine in units.items():
        if mine:
            found[person][product] = sorted(set(mine))
    return found


def naive_offers(rows: list[Line]) -> dict[tuple[str, str], tuple[float, str]]:
    """Score and basis of each person's products, by the definition."""
    kept = kept_days(rows)
    buyers: defaultdict[str, float] = defaultdict(float)
    recent: defaultdict[str, float] = defaultdict(float)
    both: defaultdict[tuple[str, str], int] = defaultdict(int)
    for theirs in kept.values():
        for product, days in theirs.items():
            buyers[product] += 1
            recent[product] += round(1e6 * 2 ** (-days[0] / 30)) / 1e6
        for pair in permutations(theirs, 2):
            both[pair] += 1
    strength = {
        (a, b): log((n + DAMPING) / (buyers[a] * buyers[b] / len(kept) + DAMPING))
        for (a, b), n in both.items()
        if n >= 2
    }
    found: dict[tuple[str, str], tuple[float, str]] = {}
    for person in {row[0] for row in rows} if kept else ():
        theirs = kept.get(person, {})
        for product in buyers:
            popular = recent[product] / len(kept)
            if product in theirs:
                score = 0.2 * sum(2 ** (-days / 20) for days in theirs[product]) + popular
                found[person, product] = (score, "again")
            else:
                lift = exp(8 * sum(strength.get((mine, product), 0) for mine in theirs))
                basis = "either" if abs(lift - 1.5) < 1e-9 else "together" if lift > 1.5 else "popular"
                found[person, product] = (0.5 * lift * popular, basis)
    return found


@settings(max_examples=60, deadline=None)
@given(LINES)
def test_scores_and_bases_are_those_of_the_definition(rows: list[Line]) -> None:
    naive = naive_offers(rows)
    found = {(row["unified_id"], row["product_id"]): row for row in offers(table(rows)).to_pylist()}
    assert found.keys() == naive.keys()
    for key, (score, basis) in naive.items():
        assert found[key]["score"] == pytest.approx(score, abs=1e-12)
        assert basis in {found[key]["basis"], "either"}


@settings(max_examples=30, deadline=None)
@given(LINES, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[Line], random: object) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert offers(table(shuffled)).equals(offers(table(rows)))


@settings(max_examples=30, deadline=None)
@given(LINES)
def test_equal_scores_stand_in_the_order_of_product_ids(rows: list[Line]) -> None:
    found = offers(table(rows)).to_pylist()
    for one, other in pairwise(found):
        if one["unified_id"] == other["unified_id"]:
            assert (-one["score"], one["product_id"]) < (-other["score"], other["product_id"])


@settings(max_examples=30, deadline=None)
@given(LINES, st.integers(1, 3))
def test_groups_of_people_give_the_same_model_and_offers_as_all_at_once(rows: list[Line], groups: int) -> None:
    parts = [[row for row in rows if ord(row[0]) % groups == number] for number in range(groups)]
    tables = [table(part) for part in parts]
    catalogue = read_catalogue(None, table(rows)["product_id"].combine_chunks(), as_of=AS_OF)
    counted = [count_group(part, catalogue, WEIGHTS, as_of=AS_OF) for part in tables]
    counts = reduce(add, [counts for counts, _ in counted])
    pairs = pa.concat_tables([pairs for _, pairs in counted]).group_by(PAIRS).aggregate([("people", "sum")])
    neighbours = choose_neighbours(pairs.rename_columns([*PAIRS, "people"]), counts)
    model = model_of_counts(counts, neighbours, catalogue, CONFIG, as_of=AS_OF)
    together = pa.concat_tables([make_offers(model, part) for part in tables])
    expected = offers(table(rows))
    assert together.sort_by([("unified_id", "ascending"), ("rank", "ascending")]).equals(expected)


@settings(max_examples=30, deadline=None)
@given(LINES, st.integers(1, 4), st.integers(1, 3))
def test_fewer_offers_are_the_first_of_more_and_a_categorys_limit_takes_its_best(
    rows: list[Line], most: int, of_one: int
) -> None:
    catalogue = pa.table(
        {
            "product_id": list("pqrstuv"),
            "name": list("pqrstuv"),
            "category": ["x", "x", "x", "x", "y", "y", None],
            "in_stock": [True] * 7,
        }
    )
    full = make_offers(fit_offers(table(rows), catalogue, CONFIG, as_of=AS_OF), table(rows)).to_pylist()
    limits = {"offers_per_person": most, "max_per_category": of_one}
    limited = CONFIG.model_copy(update=limits)
    found = make_offers(fit_offers(table(rows), catalogue, limited, as_of=AS_OF), table(rows))
    expected = []
    for person in sorted({row["unified_id"] for row in full}):
        taken: defaultdict[str, int] = defaultdict(int)
        theirs = []
        for row in full:
            if row["unified_id"] == person and taken[row["category"]] < of_one:
                taken[row["category"]] += row["category"] is not None
                theirs.append(row["product_id"])
        expected += [(person, product) for product in theirs[:most]]
    assert list(zip(found["unified_id"].to_pylist(), found["product_id"].to_pylist(), strict=True)) == expected
