"""Next best products beside rivals: `python -m benchmarks offers`.

1. Of each set, the last period is the test, the one before it the validation; both are `--horizon` days long.
2. Weights are chosen by the validation and the two periods before it, the settings of ALS by the validation. Nothing is
   chosen by the test.
3. Everything that is known before the test ranks ten products of each person who bought before and in it: of those that
   they have (repeat), of those that they have not (new), and of both.
4. Intervals are the middle 95 % of 2,000 bootstrap samples of people; those of differences are of the same people.

`--people 100000 --purchases 1000000` measures generated purchases instead: seconds and peak memory.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from time import monotonic, process_time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.offers import rivals
from benchmarks.offers.sets import NAMES, generated_purchases, purchase_sets
from cdp_spark.config.insights.offers import OffersConfig, OfferWeights
from cdp_spark.insights.offers.catalogue import read_catalogue, repeatable_products
from cdp_spark.insights.offers.model import fit_offers, make_offers
from cdp_spark.insights.offers.purchases import read_purchases
from cdp_spark.insights.offers.tuning import choose_weights, judge, make_trial, relevant_of, trial_lists

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from benchmarks.offers.sets import PurchaseSet
    from cdp_spark.insights.offers.tuning import Task, Trial

TASKS: tuple[Task, ...] = ("repeat", "new", "both")
_SAMPLES, _SEED = 2_000, 7
_HEAD = (
    "| set | products | people | method | recall@10 | NDCG@10 | cdp-spark's NDCG@10 is better by |\n" + "|---" * 7 + "|"
)


@dataclass(frozen=True)
class Judged:
    """How well a method ranks, per person; NaN for who bought nothing of the kind.

    Args:
        recall: share of what they bought that is among the ten.
        ndcg: the same, early places counting more.
    """

    recall: NDArray[np.float64]
    ndcg: NDArray[np.float64]


def main(argv: list[str]) -> None:
    """Judge the sets and print the table, or measure generated purchases."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks offers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(NAMES)}; all without one")
    parser.add_argument("--data", default=os.environ.get("CDP_DATA_DIR"), help="folder of the sets (CDP_DATA_DIR)")
    parser.add_argument("--horizon", type=int, default=28, help="days of the validation and of the test")
    parser.add_argument("--people", type=int, help="measure generated purchases of so many people")
    parser.add_argument("--purchases", type=int, default=1_000_000)
    parser.add_argument("--products", type=int, default=20_000)
    arguments = parser.parse_args(argv)
    if arguments.people:
        print(measure(arguments.people, arguments.purchases, arguments.products))
        return
    print(_HEAD)
    notes = []
    for purchases in purchase_sets(arguments.data):
        if arguments.sets and purchases.name not in arguments.sets:
            continue
        if purchases.missing:
            notes.append(f"{purchases.name}: not measured, {purchases.missing}")
            continue
        notes.append(_judge_set(purchases, arguments.horizon))
    print("\n".join(["", *notes]))


def measure(people: int, purchases: int, products: int) -> str:
    """Fit and offer on generated purchases, and tell the seconds of each step and the peak memory."""
    rows = generated_purchases(people, purchases, products=products, seed=_SEED)
    as_of, began, worked = _last_day(rows), monotonic(), process_time()
    model = fit_offers(rows, None, OffersConfig(weights=OfferWeights()), as_of=as_of)
    fitted = monotonic()
    offers = make_offers(model, rows)
    done = monotonic()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    seconds = f"{fitted - began:.0f} s to fit, {done - fitted:.0f} s for {offers.num_rows:,} offers"
    processor = f"{process_time() - worked:.0f} s of processor time, peak {peak:.1f} GiB"
    size = f"{people:,} people, {purchases:,} purchases, {products:,} products"
    return f"{size}: {seconds}; {processor}; load {os.getloadavg()[0]:.1f}"


def _judge_set(purchases: PurchaseSet, horizon: int) -> str:
    rows = purchases.read()
    as_of = _last_day(rows)
    catalogue = read_catalogue(purchases.products(), rows["product_id"].combine_chunks(), as_of=as_of)
    all_of_it = read_purchases(rows, as_of=as_of, products=catalogue.products)
    before = all_of_it.before(horizon)
    repeatable = partial(repeatable_products, catalogue, settings=OffersConfig())
    known: dict[str, Any] = {"horizon_days": horizon, "repeatable": repeatable, "category": catalogue.category}
    weights = choose_weights(before, **known)
    test = make_trial(all_of_it, most_people=len(all_of_it.people), **known)
    past = make_trial(before, horizon_days=horizon)
    if test is None or past is None:
        return f"{purchases.name}: nobody bought both before and in the last {horizon} days"
    lists = _all_lists(test, past, weights)
    if purchases.chances:
        lists["known chances"] = {"new": rivals.rank(test, rivals.known_chances(test, purchases.chances()), "new")}
    for line in _lines(purchases.name, test, lists):
        print(line, flush=True)
    return f"{purchases.name}: {weights}"


def _all_lists(test: Trial, past: Trial, weights: OfferWeights) -> dict[str, dict[Task, NDArray[np.int64]]]:
    scores = {
        "popularity": rivals.popularity(test),
        "popularity, recent": rivals.recent_popularity(test),
        "personal frequency": rivals.personal_frequency(test),
        "personal, then popular": rivals.personal_then_popular(test),
    }
    if rivals.has_als():
        scores["implicit ALS"] = rivals.als(test, past)
    else:
        print("implicit is not installed: no ALS (pip install implicit)", file=sys.stderr)
    lists = {"cdp-spark": {task: trial_lists(test, weights, task) for task in TASKS}}
    return lists | {name: {task: rivals.rank(test, score, task) for task in TASKS} for name, score in scores.items()}


def _lines(name: str, test: Trial, lists: dict[str, dict[Task, NDArray[np.int64]]]) -> list[str]:
    lines = []
    for task in TASKS:
        relevant = relevant_of(test, task)
        judged = {method: Judged(*judge(them[task], relevant)) for method, them in lists.items() if task in them}
        ours = judged["cdp-spark"]
        people = int(np.isfinite(ours.ndcg).sum())
        for method, them in judged.items():
            better = "" if method == "cdp-spark" or not people else _interval(ours.ndcg - them.ndcg, sign="+")
            figures = [_interval(them.recall), _interval(them.ndcg)] if people else ["-", "-"]
            lines.append(f"| {' | '.join([name, task, f'{people:,}', method, *figures, better])} |")
    return lines


def _interval(per_person: NDArray[np.float64], *, sign: str = "") -> str:
    them = per_person[np.isfinite(per_person)]
    random = np.random.default_rng(_SEED)
    means = [them[random.integers(0, len(them), len(them))].mean() for _ in range(_SAMPLES)]
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{them.mean():{sign}.4f} ({low:{sign}.4f} to {high:{sign}.4f})"


def _last_day(rows: pa.Table) -> date:
    """Return the last whole day: the day of the last purchase may have just begun."""
    last: date = pc.max(rows["occurred_at_utc"].cast(pa.date32(), safe=False)).as_py()
    return last - timedelta(days=1)
