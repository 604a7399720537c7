"""Seconds and memory of the insights of many customers: `python -m benchmarks lifetime`.

Customers are drawn from a BG/NBD and a Gamma-Gamma model with CDNOW's parameters, with first purchases spread over the
weeks observed, so the fitted parameters can be held against the true ones. Their visits are drawn, too.
"""

from __future__ import annotations

import argparse
import os
import resource
from contextlib import contextmanager
from datetime import date, timedelta
from time import perf_counter, process_time
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.insights.attribution import AttributionRules, credit_touches
from cdp_spark.insights.histories import count_histories, purchase_histories
from cdp_spark.insights.lifetime import fit_purchases
from cdp_spark.insights.rfm import rfm_cuts, score_rfm
from cdp_spark.insights.sessions import SessionRules, build_sessions
from cdp_spark.insights.spend import fit_spend
from cdp_spark.insights.value import ModelPair, ValueTerms, bootstrap, find_borders, lifetime_values, rank

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

PURCHASES = (0.243, 4.414, 0.793, 2.426)
SPEND = (6.25, 3.74, 15.44)
_START = date(2023, 1, 1)
_TOUCHES = 4


def main(argv: list[str]) -> None:
    """Time each step and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks lifetime", description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--weeks", type=int, default=156, help="of history")
    parser.add_argument("--draws", type=int, default=0, help="of the bootstrap")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args(argv)
    purchases = draw_purchases(arguments.customers, arguments.weeks, arguments.seed)
    events = draw_events(5 * arguments.customers, arguments.seed)
    before, began, spent = _peak_gib(), perf_counter(), process_time()
    print("| step | rows | seconds | processor s |\n|---|---|---|---|")
    _lifetime(purchases, arguments)
    seconds, used = perf_counter() - began, process_time() - spent
    print(f"| lifetime value, all | {arguments.customers:,} | {seconds:.1f} | {used:.1f} |")
    _other(events)
    print(
        f"\npeak {_peak_gib():.2f} GiB, {before:.2f} of it the generated data; {os.cpu_count()} cores, load "
        f"{os.getloadavg()[0]:.1f}"
    )


def draw_purchases(customers: int, weeks: int, seed: int) -> pa.Table:
    """Draw the purchases of customers by the models' own stories, sorted by customer and day."""
    random = np.random.default_rng(seed)
    (r, alpha, a, b), (p, q, gamma) = PURCHASES, SPEND
    first = random.integers(0, weeks * 7 - 1, size=customers)
    rate = np.maximum(random.gamma(r, 1 / alpha, size=customers), 1e-12)
    dropout = random.beta(a, b, size=customers)
    alive, time, drawn = np.arange(customers), first / 7.0, [(np.arange(customers), first)]
    while len(alive):
        time = time + random.exponential(1 / rate[alive])
        inside = time < weeks
        alive, time = alive[inside], time[inside]
        drawn.append((alive, np.floor(time * 7).astype(np.int64)))
        stays = random.random(len(alive)) >= dropout[alive]
        alive, time = alive[stays], time[stays]
    who, day = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    order = np.lexsort((day, who))
    who, day = who[order], day[order]
    means = 1 / random.gamma(q, 1 / gamma, size=customers)
    values = random.gamma(p, means[who])
    return pa.table({c.UNIFIED_ID: _keys(who), c.DAY: _days(day), c.VALUE: np.round(values, 2)})


def draw_events(events: int, seed: int) -> pa.Table:
    """Draw visits of people to two sources, sorted as sessions want them."""
    random = np.random.default_rng(seed)
    who = np.sort(random.integers(0, max(events // 20, 1), size=events))
    source = random.integers(0, 2, size=events)
    pauses = random.exponential(np.where(random.random(events) < 0.2, 1e6, 60.0))
    order = np.lexsort((source, who))
    times = 1_700_000_000 + np.cumsum(pauses)
    names = pa.array(["app", "web"]).take(pa.array(source[order]))
    campaign = pa.array(["a", "b", "c", None]).take(pa.array(random.integers(0, 4, size=events)))
    return pa.table(
        {
            c.UNIFIED_ID: _keys(who[order]),
            c.SOURCE: names,
            c.OCCURRED_AT: pa.array((times * 1e6).astype(np.int64), pa.timestamp("us", tz="UTC")),
            c.EVENT_KEY: _keys(np.arange(events)),
            c.EVENT_TYPE: names,
            c.URL: campaign,
            c.CAMPAIGN: campaign,
            c.CHANNEL: campaign,
            c.VALUE: random.random(events),
        }
    )


def _lifetime(purchases: pa.Table, arguments: argparse.Namespace) -> None:
    until = _START + timedelta(weeks=arguments.weeks)
    with _timed("histories of purchases", purchases.num_rows):
        histories = purchase_histories(purchases, until=until)
    with _timed("count equal histories", histories.num_rows):
        counts = count_histories(histories)
    with _timed("fit BG/NBD", counts.num_rows):
        model = fit_purchases(counts)
    with _timed("fit Gamma-Gamma", histories.num_rows):
        models = ModelPair(model, fit_spend(histories))
    with _timed("lifetime values, 52 weeks", histories.num_rows):
        values = lifetime_values(histories, models, ValueTerms())[c.LIFETIME_VALUE].to_numpy()
    with _timed("tiers", histories.num_rows):
        rank(values, find_borders(values))
    if arguments.draws:
        with _timed(f"bootstrap, {arguments.draws} draws", histories.num_rows):
            bootstrap(histories, models, draws=arguments.draws)
    customers = pa.table(
        {
            c.RECENCY_DAYS: pc.subtract(histories[c.AGE_WEEKS], histories[c.RECENCY_WEEKS]),
            c.PURCHASES: histories[c.REPEAT_PURCHASES],
            c.VALUE: values,
        }
    )
    with _timed("RFM", histories.num_rows):
        score_rfm(customers, rfm_cuts(customers))
    fitted = (model.r, model.alpha, model.a, model.b, models.spend.p, models.spend.q, models.spend.gamma)
    print(f"\nfitted {', '.join(f'{it:.3f}' for it in fitted)}; drawn with {PURCHASES + SPEND}\n")


def _other(events: pa.Table) -> None:
    for preset in ("ga4", "ua"):
        with _timed(f"sessions, {preset}", events.num_rows):
            build_sessions(events, SessionRules(preset=preset, time_zone="Europe/Berlin"))
    rows = events.num_rows // _TOUCHES * _TOUCHES
    conversions = pa.array(np.arange(rows) // _TOUCHES)
    touches = events.slice(0, rows).append_column(c.CONVERSION_KEY, conversions)
    touches = touches.sort_by([(c.CONVERSION_KEY, "ascending"), (c.OCCURRED_AT, "ascending")])
    with _timed("attribution, time decay", rows):
        credit_touches(touches, AttributionRules("time_decay"))


@contextmanager
def _timed(step: str, rows: int) -> Iterator[None]:
    began, spent = perf_counter(), process_time()
    yield
    print(f"| {step} | {rows:,} | {perf_counter() - began:.1f} | {process_time() - spent:.1f} |", flush=True)


def _keys(numbers: NDArray[np.int64]) -> pa.Array:
    return pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width=12, padding="0")


def _days(numbers: NDArray[np.int64]) -> pa.Array:
    return pa.array((numbers + (_START - date(1970, 1, 1)).days).astype(np.int32)).cast(pa.date32())


def _peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
