"""The ingest stage: read, judge, write what is new.

Every delivery is read and staged once. Where all of it is small it stays in this process as Arrow memory; otherwise it
is a frame that Spark keeps on disk. It is counted and judged before the first row is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.config.source import configured_columns
from cdp_spark.errors import CdpError, DataError, raise_together
from cdp_spark.ingest.checks import LastDelivery, Verdict, judge
from cdp_spark.ingest.deliveries import find_unread, open_deliveries
from cdp_spark.ingest.frames import SparkReading, count_staged, stage_in_spark
from cdp_spark.ingest.outcome import Outcome, count_rows, tell_detail, tell_warnings
from cdp_spark.ingest.staging.facts import Tally, add_facts, count_facts
from cdp_spark.ingest.staging.faults import stage_delivery
from cdp_spark.ingest.staging.repeats import count_repeats
from cdp_spark.ingest.staging.rows import STAGED, Staging
from cdp_spark.ingest.suppression.listed import Listed
from cdp_spark.ingest.withdrawals import undated_times, write_new_issues
from cdp_spark.ingest.write import Written, count_new_rows, write_bronze
from cdp_spark.tables.catalog import SOURCE_DELIVERIES
from cdp_spark.tables.checkpoint import cached_frame
from cdp_spark.tables.consents import fetch_issues, find_open, holding, tell_names
from cdp_spark.tables.rows import Rows, as_frame
from cdp_spark.tables.run import RunContext, StageResult
from cdp_spark.tables.suppressions import read_suppression_list

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame

    from cdp_spark.config.source import SourceConfig
    from cdp_spark.ingest.deliveries import Delivery
    from cdp_spark.ingest.reading import Reading
    from cdp_spark.normalise.keyed_hashing import SuppressionList

    Deliveries = Mapping[str, Delivery]


@dataclass(frozen=True)
class Found:
    """What a run finds before it reads.

    Args:
        deliveries: source to its newest delivery; None where nothing is there.
        last: source to its last delivery.
        unread: source to the files of its delivery that are not read, with the reason.
    """

    deliveries: Deliveries
    last: Mapping[str, LastDelivery]
    unread: Mapping[str, Mapping[str, str]]


def run(context: RunContext) -> StageResult:
    """Bring every source's newest delivery into the bronze tables; what they hold already changes nothing.

    Args:
        context: the run.

    Returns:
        The bronze tables' versions, each source's figures, and how its columns changed.

    Raises:
        DataError: deliveries are empty, cannot be read, have lost columns or rows, or too many of their rows are
            refused; all of it at once.
        StateError: the suppression list was written with another key than the project's.
    """
    suppressions = read_suppression_list(context.store, context.project)  # also stops a run with another key
    last = _read_last_deliveries(context)
    deliveries = open_deliveries(context.store.spark, context.project.sources, folder=context.project.folder)
    unread = find_unread(context.project.sources, folder=context.project.folder)
    found = Found(deliveries, last, unread)
    if not any(deliveries.values()):
        outcomes = _outcomes(context, _judge_all(context, {}, found), Written({}), found)
        return StageResult(detail="no source delivered a row", warnings=_warnings(outcomes))
    staged = _stage_all(context, found, suppressions)
    if isinstance(staged, pa.Table):
        return _finish(context, staged, add_facts([count_facts(staged), count_repeats(staged)]), found)
    with cached_frame(staged, on_disk=True) as kept:
        return _finish(context, kept, count_staged(kept), found)


def _finish(context: RunContext, staged: Rows, tallies: Mapping[str, Tally], found: Found) -> StageResult:
    verdicts = _judge_all(context, tallies, found)
    noted = write_new_issues(context, staged, fetch_issues(context.store))  # before the rows that it is about
    written = write_bronze(context, staged, verdicts, found.last)
    outcomes = _outcomes(context, verdicts, written, found)
    figures = {it.source.name: count_rows(it) for it in outcomes}
    return StageResult(
        {**written.versions, **noted},
        {f"{source}.{name}": float(it) for source, counts in figures.items() for name, it in counts.items()},
        "; ".join([tell_detail(outcomes), *_withdrawal_notes(context)]),
        _warnings(outcomes),
    )


def _outcomes(context: RunContext, verdicts: Mapping[str, Verdict], written: Written, found: Found) -> list[Outcome]:
    new_rows = count_new_rows(context, written.versions)
    return [
        Outcome(
            source,
            verdicts[source.name],
            new_rows=new_rows.get(source.name, 0) + written.replaced.get(source.name, 0),
            changed_events=written.changed.get(source.name, 0),
            unread=found.unread.get(source.name, {}),
        )
        for source in context.project.sources
    ]


def _warnings(outcomes: list[Outcome]) -> tuple[str, ...]:
    return tuple(warning for outcome in outcomes for warning in tell_warnings(outcome))


def _read_last_deliveries(context: RunContext) -> dict[str, LastDelivery]:
    rows = context.store.fetch(SOURCE_DELIVERIES).to_pylist()
    earlier = [row for row in rows if row[c.RUN_ID] != context.run_id]
    return {
        row[c.SOURCE]: LastDelivery(
            row[c.ROWS_DELIVERED], row[c.ROWS_REJECTED], dict(row[c.COLUMNS]), row[c.IDENTITY], row[c.READING]
        )
        for row in sorted(earlier, key=lambda row: (row[c.DELIVERED_AT], row[c.RUN_ID]))
    }


def _stage_all(context: RunContext, found: Found, suppressions: SuppressionList | None) -> Rows:
    tables, frames = [STAGED.empty_table()], []
    for source in context.project.sources:
        delivery = found.deliveries[source.name]
        if delivery is None or isinstance(delivery, CdpError):
            continue
        staging = _staging(context, source, delivery, found.last, suppressions)
        if isinstance(delivery, SparkReading):
            frames.append(stage_in_spark(delivery, staging))
        else:
            tables += stage_delivery(delivery.batches(), staging)
    staged = pa.concat_tables(tables)
    return _unite(context, staged, frames) if frames else staged


def _unite(context: RunContext, staged: pa.Table, frames: list[DataFrame]) -> DataFrame:
    parts = [as_frame(context.store.spark, staged), *frames] if staged.num_rows else frames
    return reduce(lambda left, right: left.unionByName(right), parts)


def _staging(
    context: RunContext,
    source: SourceConfig,
    delivery: Reading | SparkReading,
    last: Mapping[str, LastDelivery],
    suppressions: SuppressionList | None,
) -> Staging:
    region = source.default_region or context.project.settings.default_region
    visitors_region = context.project.settings.default_region if source.kind == "events" else None
    is_ignoring = source.drift.new == "ignore" and source.name in last
    return Staging(
        source,
        as_of=context.as_of,
        region=region,
        kept=configured_columns(source) | frozenset(last[source.name].columns) if is_ignoring else None,
        listed=Listed(suppressions, region, source, visitors_region) if suppressions else None,
        names_columns=delivery.columns is None,
        currency=context.project.settings.currency,
        undated=undated_times(fetch_issues(context.store)) if source.kind == "consents" else {},
    )


def _judge_all(
    context: RunContext,
    tallies: Mapping[str, Tally],
    found: Found,
) -> dict[str, Verdict]:
    verdicts: dict[str, Verdict] = {}
    mistakes: list[CdpError] = []
    for source in context.project.sources:
        delivery = found.deliveries[source.name]
        if isinstance(delivery, CdpError):
            mistakes.append(delivery)
            continue
        verdicts[source.name], refused = judge(
            source,
            tallies.get(source.name, Tally()),
            delivery.columns if delivery else None,
            last=found.last.get(source.name),
            force=context.force,
            unread=found.unread.get(source.name, {}),
        )
        mistakes += refused
    got = f"{len(mistakes)} deliveries or parts of them that cannot be used"
    raise_together(mistakes, DataError, "ingest", got=got)
    return verdicts


def _withdrawal_notes(context: RunContext) -> list[str]:
    unread = find_open(fetch_issues(context.store))
    held = holding(unread, context.project)
    if not unread:
        return []
    purposes = sorted({it.purpose or "every purpose" for it in held})
    effect = f"exports for {', '.join(purposes)} are held; see `cdp consent list`" if held else "exports go on"
    count = f"{len(unread):,} withdrawal{'' if len(unread) == 1 else 's'}"
    return [f"{count} cannot be read ({tell_names(unread)}): {effect}"]
