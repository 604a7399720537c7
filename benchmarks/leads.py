"""Probabilities held against the truth: `python -m benchmarks scores`.

People are drawn whose probability of a purchase is known: it follows from what they looked at and opened before. A
model that learned from their past is judged on later snapshots, beside the true probabilities themselves: no model can
order people better. Then the outcomes are shuffled, and nothing may be left to find.
"""

from __future__ import annotations

import argparse
from time import process_time
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import expit

from cdp_spark import columns as c
from cdp_spark.config.insights.scores import FeaturesConfig, OutcomeConfig, PopulationConfig, ScoreConfig
from cdp_spark.insights.leads.evaluation import area_under_curve
from cdp_spark.insights.leads.features import DAY_US, Feature, build_features, choose_features, read_events
from cdp_spark.insights.leads.model import fit_lead
from cdp_spark.insights.leads.snapshots import SnapshotPlan, build_snapshots, snapshot_times, split_snapshots

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SETTINGS = ScoreConfig(
    name="will_buy",
    outcome=OutcomeConfig(event_types=("purchase",), within_days=30),
    population=PopulationConfig(entity_types=("person",)),
    features=FeaturesConfig(),
)
_FIRST = 1_700_000_000_000_000 // DAY_US * DAY_US
_DAYS = 90 + 30 * SETTINGS.snapshots
_CLOCK = _FIRST + _DAYS * DAY_US
_TRUE = (
    Feature("count", "product_view", None, 7),
    Feature("recency", "product_view", None, 90),
    Feature("count", "email_open", None, 30),
    Feature("count", "product_view", "tents", 90),
)


def main(argv: list[str]) -> None:
    """Print the figures, and refuse those that are out of bounds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks scores", description=__doc__)
    parser.add_argument("--people", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--shuffles", type=int, default=5)
    arguments = parser.parse_args(argv)
    began = process_time()
    events = draw_world(arguments.people, arguments.seed)
    print(
        f"{events.num_rows:,} events of {arguments.people:,} people drawn in {process_time() - began:.1f} processor s"
    )
    began = process_time()
    rows, features = learn_from(events)
    built = process_time() - began
    _, found = fit_lead(SETTINGS.name, rows, features, snapshots=SETTINGS.snapshots)
    print(
        f"{rows.num_rows:,} snapshot rows in {built:.1f}, fitted in {process_time() - began - built:.1f} processor s\n"
    )
    possible = _possible(events, rows)
    print("| hold-out people | outcomes | AUC | AUC of the truth | calibration error |\n|---|---|---|---|---|")
    print(
        f"| {found.people:,} | {found.outcomes:,} | {found.auc:.4f} | {possible:.4f} | {found.calibration_error:.4f} |"
    )
    print("\n| tenth | predicted | observed | lift |\n|---|---|---|---|")
    for place, part in enumerate(found.bins, start=1):
        print(f"| {place} | {part.predicted:.4f} | {part.observed:.4f} | {part.lift:.2f} |")
    shuffled = [
        fit_lead("shuffled", shuffle(rows, seed), features, snapshots=SETTINGS.snapshots)[1].auc
        for seed in range(arguments.shuffles)
    ]
    print(f"\noutcomes shuffled: mean AUC {np.mean(shuffled):.4f} ({', '.join(f'{it:.4f}' for it in shuffled)})")
    _judge(
        {
            "calibration error": found.calibration_error / 0.03,
            "AUC": (possible - found.auc) / 0.01,
            "shuffled AUC": abs(float(np.mean(shuffled)) - 0.5) / 0.02,
        }
    )


def draw_world(people: int, seed: int) -> pa.Table:
    """Draw people's events, with purchases by the true probability of each snapshot."""
    random = np.random.default_rng(seed)
    browsing = pa.concat_tables(
        [
            _draw(random, people, "product_view", random.gamma(0.5, 0.1, people), ("boots", "tents", None)),
            _draw(random, people, "email_open", random.gamma(1.0, 0.03, people), (None,)),
        ]
    )
    parts = [browsing]
    for at in _times():
        ids, probability = true_probability(browsing, at)
        bought = random.random(len(ids)) < probability
        when = at + random.integers(1, 30 * DAY_US, size=int(bought.sum()))
        parts.append(_table(ids.filter(pa.array(bought)), when, "purchase", pa.nulls(len(when), pa.string())))
    return pa.concat_tables(parts)


def true_probability(browsing: pa.Table, at_us: int) -> tuple[pa.Array, Floats]:
    """Return the people who had done anything by then, and their probability to buy in the 30 days after."""
    events = read_events(browsing)
    views, since, opens, tents = build_features(events, _TRUE, until_us=at_us).T
    recent = np.exp(-np.nan_to_num(since, nan=1e9) / 14)
    known = np.bincount(events.person[events.at_us <= at_us], minlength=len(events.people)) > 0
    odds = -3.2 + 0.6 * np.log1p(views) + 1.2 * recent + 0.7 * (opens > 0) + 0.3 * np.minimum(tents, 4)
    return events.people.filter(pa.array(known)), expit(odds)[known]


def learn_from(events: pa.Table) -> tuple[pa.Table, tuple[Feature, ...]]:
    """Build the snapshot rows that a model learns from, and the features that it counts."""
    occurring = events.group_by([c.EVENT_TYPE, c.CATEGORY]).aggregate([(c.UNIFIED_ID, "count"), (c.VALUE, "count")])
    occurring = occurring.rename_columns([c.EVENT_TYPE, c.CATEGORY, c.EVENTS, c.VALUE])
    features = choose_features(occurring, SETTINGS.features)
    plan = SnapshotPlan(SETTINGS.outcome, SETTINGS.population, features, _times())
    return build_snapshots(events, plan), features


def shuffle(rows: pa.Table, seed: int) -> pa.Table:
    """Give each snapshot row the outcome of another one."""
    order = np.random.default_rng(seed).permutation(rows.num_rows)
    place = rows.schema.get_field_index(c.OUTCOME)
    return rows.set_column(place, c.OUTCOME, rows[c.OUTCOME].take(pa.array(order)))


def _possible(events: pa.Table, rows: pa.Table) -> float:
    """AUC of the true probabilities, on the people and snapshots that the model is judged by."""
    browsing = events.filter(pc.not_equal(events[c.EVENT_TYPE], "purchase"))
    truths, outcomes = [], []
    for number in split_snapshots(SETTINGS.snapshots).judged:
        ids, probability = true_probability(browsing, _times()[number])
        judged = rows.filter(pc.equal(rows[c.SNAPSHOT], number))
        place = pc.index_in(judged[c.UNIFIED_ID].combine_chunks(), value_set=ids).to_numpy(zero_copy_only=False)
        found = ~np.isnan(place.astype(np.float64))
        base = np.full(len(place), probability.min())
        base[found] = probability[place[found].astype(np.int64)]
        truths.append(base)
        outcomes.append(judged[c.OUTCOME].to_numpy(zero_copy_only=False).astype(np.bool_))
    return area_under_curve(np.concatenate(truths), np.concatenate(outcomes))


def _judge(shares: dict[str, float]) -> None:
    if bad := [name for name, share in shares.items() if share > 1]:
        raise SystemExit(f"out of bounds: {', '.join(bad)}")


def _times() -> tuple[int, ...]:
    return snapshot_times(SETTINGS, first_us=_FIRST, until_us=_CLOCK)


def _draw(
    random: np.random.Generator, people: int, event_type: str, rate: Floats, categories: tuple[str | None, ...]
) -> pa.Table:
    """Events in bursts: each person has a day around which most of them are."""
    count = random.poisson(rate * _DAYS)
    who = np.repeat(np.arange(people), count)
    around = np.repeat(random.random(people) * _DAYS, count)
    day = np.where(random.random(len(who)) < 0.5, random.random(len(who)) * _DAYS, random.normal(around, 10))
    kept = (day >= 0) & (day < _DAYS)
    who, when = who[kept], _FIRST + (day[kept] * DAY_US).astype(np.int64)
    names = pa.array(categories, pa.string()).take(pa.array(random.integers(0, len(categories), len(who))))
    ids = pc.utf8_lpad(pa.array(who).cast(pa.string()), width=8, padding="0")
    return _table(ids, when, event_type, names)


def _table(ids: pa.Array, when: NDArray[np.int64], event_type: str, categories: pa.Array) -> pa.Table:
    return pa.table(
        {
            c.UNIFIED_ID: ids,
            c.ENTITY_TYPE: pa.repeat("person", len(ids)),
            c.EVENT_TYPE: pa.repeat(event_type, len(ids)),
            c.OCCURRED_AT: pa.array(when, pa.timestamp("us", "UTC")),
            c.CATEGORY: categories,
            c.VALUE: pa.nulls(len(ids), pa.float64()),
        }
    )
