"""Versions of models, and the people whom they did not learn from; on the driver, so without Spark."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.unit.insights.leads.people import CLOCK_US, draw_visitors, events, score

from cdp_spark.config.insights.offers import OffersConfig
from cdp_spark.config.insights.scores import ContractsConfig, LifetimeValueConfig
from cdp_spark.config.insights.section import InsightsConfig
from cdp_spark.errors import ConfigError
from cdp_spark.insights.leads.evaluation import area_under_curve
from cdp_spark.scores.frames_hold_out import build_hold_out
from cdp_spark.scores.frames_models import find_applied, fit_model, next_version, rows_of
from cdp_spark.scores.models import Clock, Definition, FittedModel, definitions_of, event_types_of, score_people

CLOCK = Clock(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=CLOCK_US), "UTC")
LEAD = Definition("will_buy", "outcome", score(features={"windows_days": (30,)}))


def version(name: str, number: int, definition_hash: str) -> dict[str, Any]:
    return {
        "model": name,
        "version": number,
        "definition_hash": definition_hash,
        "parameters": json.dumps({"of": number}),
    }


def test_the_newest_version_of_the_present_definition_is_applied() -> None:
    other = Definition("will_buy", "outcome", score(outcome={"event_types": ("buy",), "within_days": 11}))
    versions = [
        version("will_buy", 3, other.hash),
        version("will_buy", 2, LEAD.hash),
        version("will_buy", 1, LEAD.hash),
    ]
    assert find_applied(versions, LEAD) == FittedModel(LEAD, 2, {"of": 2})
    assert find_applied(versions[:1], LEAD) is None
    assert (next_version(versions, "will_buy"), next_version(versions, "offers")) == (4, 1)


def test_a_project_has_a_model_for_each_section_and_reads_the_events_that_they_ask_for() -> None:
    value = LifetimeValueConfig(event_types=("buy", "return"))
    contracts = ContractsConfig(start=("subscribe",), end=("cancel",))
    insights = InsightsConfig(lifetime_value=value, contracts=contracts, offers=OffersConfig())
    definitions = definitions_of(insights)
    assert [it.name for it in definitions] == ["lifetime_value", "contracts", "offers"]
    assert event_types_of(definitions[:2]) == ("buy", "cancel", "return", "subscribe")
    assert event_types_of([*definitions, LEAD]) is None


def test_a_score_may_not_be_called_like_a_section_or_like_another_score() -> None:
    with pytest.raises(ValueError, match="offers"):
        score(name="offers")
    with pytest.raises(ValueError, match="a second"):
        InsightsConfig(scores=(score(), score()))


def test_the_hold_out_that_is_written_is_what_the_model_was_judged_by() -> None:
    rows, _ = draw_visitors(1_500, seed=11)
    new = fit_model(LEAD, 1, rows, CLOCK)
    (saved,) = rows_of([new], as_of=CLOCK.as_of, run_id="by-hand").to_pylist()
    model = find_applied([saved], LEAD)
    assert model is not None
    held = build_hold_out(model, rows, CLOCK)
    outcomes = held["outcome"].to_numpy(zero_copy_only=False).astype(np.bool_)
    probability = held["score"].to_numpy()
    assert (held.num_rows, int(outcomes.sum())) == (new.evaluation["people"], new.evaluation["outcomes"])
    assert area_under_curve(probability, outcomes) == new.evaluation["auc"]
    first = outcomes[held["decile"].to_numpy() == 1]
    assert first.mean() == new.evaluation["bins"][0]["observed"]
    assert (np.diff(probability) <= 0).all()


def test_contracts_have_no_hold_out() -> None:
    definition = Definition("contracts", "contracts", ContractsConfig(start=("subscribe",), end=("cancel",)))
    with pytest.raises(ConfigError, match=r"--out: got contracts; allowed: lifetime_value, or one of `scores`"):
        build_hold_out(FittedModel(definition, 1, {}), events(("ann", "subscribe", 3)), CLOCK)


def test_people_have_the_same_scores_whoever_is_beside_them() -> None:
    rows, _ = draw_visitors(1_500, seed=11)
    model = fit_model(LEAD, 1, rows, CLOCK).model
    whole = score_people(rows, [model], CLOCK)
    ids = rows["unified_id"].combine_chunks()
    half = pa.array([name < "p00700" for name in ids.to_pylist()])
    parts = [score_people(rows.filter(mask), [model], CLOCK) for mask in (half, pa.compute.invert(half))]
    assert pa.concat_tables(parts).sort_by("unified_id").to_pylist() == whole.sort_by("unified_id").to_pylist()
