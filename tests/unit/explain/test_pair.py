"""Why two records are together or apart, on a small warehouse."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from tests.unit.matched_shop import AS_OF, Shop

from cdp_spark import columns as c
from cdp_spark.cli.references import find_record, find_records
from cdp_spark.errors import DataError
from cdp_spark.explain.pairs.explain import explain_pair
from cdp_spark.explain.pairs.facts import PairExplanation, probability
from cdp_spark.explain.pairs.verdict import verdict
from cdp_spark.explain.pairs.waterfall import TOTAL, Step, build_chart, draw_bar, waterfall
from cdp_spark.report.charts import draw_svg
from cdp_spark.resolution.models import newest_model
from cdp_spark.runs.releases import Release, append_release
from cdp_spark.tables.catalog import ID_REGISTRY, PAIR_SCORES, UNIFIED_IDS


def explain(shop: Shop, left: str, right: str) -> PairExplanation:
    entity = shop.project.match.entities["person"]
    sides = find_records(shop.store, left), find_records(shop.store, right)
    return explain_pair(shop.store, *sides, clustering=entity.clustering)


def test_the_waterfall_sums_to_the_stored_weight_of_every_pair(shop: Shop) -> None:
    scores = shop.store.read(PAIR_SCORES).orderBy(c.RECORD_KEY_L, c.RECORD_KEY_R).collect()
    several_rules = [row for row in scores if row[c.RULE_MASK].bit_count() > 1]
    for row in [several_rules[0], scores[-1]]:
        pair = explain(shop, row[c.RECORD_KEY_L], row[c.RECORD_KEY_R])
        assert pair.scored
        assert sum(it.bits for it in pair.contributions) == pytest.approx(row[c.WEIGHT_LOG2], abs=1e-5)
        steps = waterfall(pair)
        assert steps[-1].bits == pytest.approx(row[c.WEIGHT_LOG2], abs=1e-5)
        assert all(after.start == before.end for before, after in pairwise(steps[:-1]))


def test_a_contribution_is_averaged_over_the_rules_of_the_pair(shop: Shop) -> None:
    pair = explain(shop, "crm:0", "web:0")
    _, model = newest_model(shop.store, "person")
    assert model is not None
    assert (pair.left.record_key, pair.right.record_key) == ("a00", "b00")
    assert "email" in pair.rules
    email = next(it for it in pair.contributions if it.name == "email")
    forcing = sum("email" in rule for rule in pair.rules)
    assert email.counted == pytest.approx(1 - forcing / len(pair.rules))
    assert email.values_l == email.values_r != ("",)
    assert email.level.startswith("equal")
    assert next(it for it in pair.contributions if it.name == "phone").level == "missing"
    assert verdict(pair).startswith("Same person: ")
    of_companies = replace(pair, left=replace(pair.left, entity_type="account"))
    assert verdict(of_companies) == verdict(pair).replace("person", "account", 1)


def test_a_pair_that_was_never_compared_is_compared_now(shop: Shop) -> None:
    pair = explain(shop, "a00", "a01")
    assert not pair.scored
    assert pair.rules == ()
    assert verdict(pair) == "apart: never compared, no blocking rule finds them"
    assert {it.counted for it in pair.contributions} == {1.0}
    assert pair.contributions[0].level == "no rule: the lowest prior"
    assert pair.weight_log2 < 0


def test_several_records_stand_for_their_strongest_pair(shop: Shop) -> None:
    email = next(it for it in explain(shop, "a00", "b00").contributions if it.name == "email").values_l[0]
    assert [it.record_key for it in find_records(shop.store, f" {email.upper()}")] == ["a00", "b00"]
    pair = explain(shop, email, "a03")
    assert {pair.left.record_key, pair.right.record_key} & {"a00", "b00"}
    with pytest.raises(DataError, match=r"2 records\. Fix: name one of crm:0, web:0"):
        find_record(shop.store, email)


def test_a_record_is_not_explained_to_itself(shop: Shop) -> None:
    with pytest.raises(DataError, match=r"record a00 twice. Fix: name two, or use `cdp how`"):
        explain(shop, "a00", "crm:0")


@pytest.mark.parametrize("reference", ["nobody", "crm:999", "nobody@example.org"])
def test_an_unknown_record_is_said_so(shop: Shop, reference: str) -> None:
    with pytest.raises(DataError, match="a record such as crm:K2001, a unified ID") as error:
        find_records(shop.store, reference)
    assert "nobody@" not in str(error.value)


def test_a_bar_stands_at_its_place() -> None:
    steps = (Step("prior", "", 0.0, -2.0), Step("name", "", -2.0, 6.0), Step(TOTAL, "", 0.0, 6.0))
    assert draw_bar(steps[0], steps, width=9) == "██│      "
    assert draw_bar(steps[1], steps, width=9) == "████████ "
    assert draw_bar(steps[2], steps, width=9) == "  ██████ "
    still = (Step("prior", "", 0.0, 0.0),)
    assert draw_bar(still[0], still, width=3) == "·  "


def test_the_chart_is_drawn_and_escaped() -> None:
    steps = (Step("prior", "", 0.0, -2.0), Step("<b>name", "equal", -2.0, 6.0), Step(TOTAL, "", 0.0, 6.0))
    svg = draw_svg(build_chart(steps, threshold_log2=0.0))
    assert svg.startswith("<svg")
    assert "+8.00" in svg
    assert "<b>" not in svg


@pytest.mark.parametrize(("bits", "likely"), [(0.0, 0.5), (1.0, 2 / 3), (-1.0, 1 / 3), (2000.0, 1.0), (-2000.0, 0.0)])
def test_a_weight_is_the_logarithm_of_the_odds(bits: float, likely: float) -> None:
    assert probability(bits) == pytest.approx(likely)


def test_a_unified_id_stands_for_its_records_also_after_a_merge(own_shop: Shop) -> None:
    store = own_shop.store
    registry = [("u1", "person", "live", None), ("u0", "person", "merged", "u1")]
    rows = [(name, kind, status, into, None, 1, None, "new record") for name, kind, status, into in registry]
    versions = {
        "id_registry": store.overwrite(ID_REGISTRY, ID_REGISTRY.table(rows)),
        "unified_ids": store.overwrite(
            UNIFIED_IDS,
            UNIFIED_IDS.table([("a00", "person", "u1"), ("b00", "person", "u1")]),
        ),
    }
    append_release(store, Release(1, "run-1", AS_OF, versions))
    for unified_id in ("u1", "u0"):
        assert [it.title for it in find_records(store, unified_id)] == ["crm:0", "web:0"]
    pair = explain(own_shop, "u0", "web:3")
    assert pair.left.record_key in {"a00", "b00"}
