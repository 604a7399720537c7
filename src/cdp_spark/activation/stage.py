"""The activation stage: a release's segments to their destinations; writes files and `deliveries`."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pyspark.errors import PySparkException

from cdp_spark.activation.audience import build_audience
from cdp_spark.activation.export import (
    Delivery,
    build_export,
    count_audience,
    export_location,
    idempotency_key,
    write_export,
)
from cdp_spark.activation.repeat import files_checksum, inputs_checksum, repeat_delivery, repeat_figures
from cdp_spark.activation.stage_rows import deliver_rows
from cdp_spark.config.base import hide_secrets
from cdp_spark.config.destination import NO_PURPOSE
from cdp_spark.errors import StateError
from cdp_spark.session.files import JAVA_ERRORS
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import CONSENTS, DELIVERIES, PROFILES, SEGMENT_MEMBERS
from cdp_spark.tables.checkpoint import cached_frame
from cdp_spark.tables.consents import build_contact_point_consents
from cdp_spark.tables.run import StageResult
from cdp_spark.tables.trouble import is_disk_full
from cdp_spark.tables.withdrawals import fetch_issues, find_open, holding, of_purpose, tell_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyspark.sql import DataFrame

    from cdp_spark.config.destination import FileDestination
    from cdp_spark.tables.run import RunContext

log = logging.getLogger(__name__)

_FATES = {
    "acknowledged": "rows sent",
    "refused": "refused",
    "unknown": "of unknown fate",
    "unsent": "not sent",
    "dead": "given up",
    "waiting": "waiting for `cdp activation export`",
}
"""What became of rows, as it is told."""


def run(context: RunContext) -> StageResult:
    """Export to every destination; one that fails does not keep the others from theirs.

    The context's base is the release to export, its ordinal that release's number. Consents are read as they are now.

    Raises:
        ConfigError: a destination names a column that profiles lack.
        StateError: a destination could not be written; all others were.
    """
    files = {each.name: partial(deliver, context, each) for each in context.project.destinations.files}
    whole = run_together(context.store.spark, files).values()
    of_rows, row_versions = deliver_rows(context)
    deliveries = [*whole, *of_rows]
    versions = record_deliveries(context, deliveries, again="cdp run --from activation --to activation")
    return StageResult(
        versions=versions | row_versions,
        metrics=_metrics(deliveries) | repeat_figures(deliveries),
        detail="; ".join(_sentence(delivery) for delivery in deliveries) or "no destinations",
        warnings=tuple(filter(None, map(_warning, of_rows))),
    )


def hand_over(
    context: RunContext, destinations: Mapping[str, Callable[[], Delivery]], *, again: str
) -> tuple[list[Delivery], dict[str, int]]:
    """Hand something over to every destination, and record what came of it.

    Args:
        context: of the run.
        destinations: by name what hands it over.
        again: the command that tries again.
    Returns: the deliveries, and the version of `deliveries`, if there are some.

    Raises:
        StateError: a destination could not be written; all others were.
    """
    deliveries = list(run_together(context.store.spark, destinations).values())
    return deliveries, record_deliveries(context, deliveries, again=again)


def record_deliveries(context: RunContext, deliveries: Sequence[Delivery], *, again: str) -> dict[str, int]:
    """Record what came of deliveries; returns the version of `deliveries`, if there are some.

    Args:
        context: of the run.
        deliveries: that were made.
        again: the command that tries again.

    Raises:
        StateError: one of them failed; all are recorded.
    """
    versions = [_record(context, delivery) for delivery in deliveries]
    failed = [delivery for delivery in deliveries if delivery.status == "failed"]
    if failed:
        raise StateError(
            "; ".join(f"destination {it.destination} at {hide_secrets(it.location)}" for it in failed),
            got="; ".join(dict.fromkeys(delivery.problem for delivery in failed)),
            fix=f"check that the destination can be reached and written, then run `{again}`",
        )
    return {DELIVERIES.name: versions[-1]} if versions else {}


def deliver(context: RunContext, destination: FileDestination) -> Delivery:
    """Export one segment to one destination, unless a withdrawal for its purpose cannot be read.

    Where nothing that the audience depends on has changed, the files of the last export are copied.
    """
    location = export_location(destination, folder=context.project.folder, release=context.ordinal)
    unread = of_purpose(holding(find_open(fetch_issues(context.store)), context.project), destination.purpose)
    if unread and destination.purpose != NO_PURPOSE:
        return Delivery(destination.name, destination.segment, "held", 0, 0, 0, location, tell_names(unread))
    inputs = inputs_checksum(context, destination)
    repeated = repeat_delivery(context, destination, location, inputs)
    return repeated or replace(_deliver_anew(context, destination, location), inputs=inputs)


def _deliver_anew(context: RunContext, destination: FileDestination, location: str) -> Delivery:
    with cached_frame(_audience(context, destination)) as audience:
        allowed, withheld, suppressed = count_audience(audience)
        told = Delivery(destination.name, destination.segment, "delivered", allowed, withheld, suppressed, location)
        if allowed + withheld + suppressed < destination.min_members:
            return replace(told, status="skipped", row_count=0, withheld_count=allowed + withheld)
        problem = _write(build_export(audience, destination=destination), destination, location)
    if problem:
        return replace(told, status="failed", row_count=0, problem=problem)
    return replace(told, files=files_checksum(location))


def _audience(context: RunContext, destination: FileDestination) -> DataFrame:
    return build_audience(
        context.read_released(PROFILES),
        context.read_released(SEGMENT_MEMBERS),
        build_contact_point_consents(context.store.read(CONSENTS)),
        destination=destination,
        policy=context.project.settings.consent,
    )


def _write(export: DataFrame, destination: FileDestination, location: str) -> str:
    """Write and return what went wrong; the cause goes to the log only, as Spark's words are many."""
    try:
        write_export(export, destination=destination, location=location)
    except (PySparkException, *JAVA_ERRORS) as error:
        log.warning("Destination %s could not be written: %s", destination.name, type(error).__name__)
        return "a full disk" if is_disk_full(error) else f"{type(error).__name__} while writing"
    return ""


def _record(context: RunContext, delivery: Delivery) -> int:
    """Append the delivery; a second attempt of the same run adds a row only where the outcome differs."""
    key = idempotency_key(release=context.ordinal, destination=delivery.destination, segment=delivery.segment)
    row = (
        delivery.destination,
        key,
        context.ordinal,
        delivery.segment,
        delivery.status,
        delivery.row_count,
        delivery.withheld_count,
        delivery.suppressed_count,
        str(hide_secrets(delivery.location)),
        context.as_of,
        context.run_id,
    )
    application = f"{context.application('activation', DELIVERIES)}:{key}:{delivery.status}"
    if delivery.counts:  # a second attempt sends what the first one left
        application += f":{delivery.counts}"
    return context.store.append(DELIVERIES, DELIVERIES.table([row]), application=application)


def _metrics(deliveries: list[Delivery]) -> dict[str, float]:
    counts = {"rows": "row_count", "withheld": "withheld_count", "suppressed": "suppressed_count"}
    found = {
        f"{each.destination}.{name}": float(getattr(each, field))
        for name, field in counts.items()
        for each in deliveries
    }
    return found | {f"{it.destination}.{name}": float(count) for it in deliveries for name, count in it.counts.items()}


def _sentence(delivery: Delivery) -> str:
    if delivery.status == "skipped":
        return f"{delivery.destination}: skipped, the segment is smaller than min_members"
    if delivery.status == "held":
        return f"{delivery.destination}: held, a withdrawal cannot be read: {delivery.problem} (`cdp consent list`)"
    suppressed = f", {delivery.suppressed_count} suppressed" if delivery.suppressed_count else ""
    withheld = f"{delivery.withheld_count} withheld for consent"
    if delivery.counts:
        return f"{delivery.destination}: {_fates(delivery.counts)}, {withheld}{suppressed}"
    return f"{delivery.destination}: {delivery.row_count} profiles, {withheld}{suppressed}"


def _fates(counts: Mapping[str, int]) -> str:
    found = [f"{counts[status]} {words}" for status, words in _FATES.items() if counts.get(status)]
    return ", ".join(found) or "nothing to send"


def _warning(delivery: Delivery) -> str:
    """What the run's reader should look at, of a destination of rows."""
    left = {name: count for name, count in delivery.counts.items() if name not in ("acknowledged", "waiting")}
    if not any(left.values()):
        return ""
    return f"destination {delivery.destination}: {_fates(left)}; the table delivery_attempts says why"
