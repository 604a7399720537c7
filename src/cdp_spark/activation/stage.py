"""The activation stage: a release's segments to their destinations; writes files and `deliveries`."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pyspark.errors import PySparkException

from cdp_spark.activation.audiences.hold_out import warn_of_ended
from cdp_spark.activation.audiences.reading import inputs_checksum, read_audience
from cdp_spark.activation.export import (
    Delivery,
    build_export,
    count_audience,
    export_location,
    idempotency_key,
    write_export,
)
from cdp_spark.activation.holds import find_hold
from cdp_spark.activation.repeat import files_checksum, repeat_delivery, repeat_figures
from cdp_spark.activation.stage_rows import deliver_rows
from cdp_spark.config.base import hide_secrets
from cdp_spark.errors import StateError
from cdp_spark.normalise.text import plural
from cdp_spark.session.files import JAVA_ERRORS
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import DELIVERIES
from cdp_spark.tables.checkpoint import cached_frame
from cdp_spark.tables.run import StageResult
from cdp_spark.tables.trouble import is_disk_full

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyspark.sql import DataFrame

    from cdp_spark.activation.audiences.audience import Reason
    from cdp_spark.config.destination import FileDestination
    from cdp_spark.tables.run import RunContext

log = logging.getLogger(__name__)

_FATES = {
    "acknowledged": "rows sent",
    "refused": "refused",
    "unknown": "of unknown fate",
    "unsent": "not sent",
    "dead": "given up",
    "ready": "ready for `cdp activation export`",
}
"""What became of rows, as it is told."""
_REASONS: dict[Reason, str] = {
    "excluded": "in an excluded segment",
    "suppressed": "on the suppression list",
    "held_out": "in a hold-out",
    "consent": "no consent",
    "capped": "over the channel's cap",
    "quiet": "quiet hours",
    "below_min": "fewer than min_members",
    "above_max": "more than max_members",
}
"""Why members were withheld, as it is told."""


def run(context: RunContext) -> StageResult:
    """Export to every destination; one that fails does not keep the others from theirs.

    The context's base is the release to export, its ordinal that release's number. Consents are read as they are now.

    Raises:
        ConfigError: a destination names a column that profiles lack.
        StateError: a destination could not be written; all others were.
    """
    files = {each.name: partial(deliver, context, each) for each in context.project.destinations.whole_files}
    whole = run_together(context.store.spark, files).values()
    of_rows = deliver_rows(context)
    deliveries = [*whole, *of_rows.deliveries]
    versions = record_deliveries(context, deliveries, again="cdp run --from activation --to activation")
    return StageResult(
        versions={**versions, **of_rows.versions},
        metrics=_metrics(deliveries) | repeat_figures(deliveries),
        detail="; ".join(_sentence(delivery) for delivery in deliveries) or "no destinations",
        warnings=(*warn_of_ended(context), *filter(None, map(_warning, deliveries)), *of_rows.warnings),
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
    """Export one audience to one destination, unless something holds it (`find_hold`).

    Where nothing that the audience depends on has changed, the files of the last export are copied.
    """
    location = export_location(destination, folder=context.project.folder, release=context.ordinal)
    if reason := find_hold(context, destination):
        return Delivery(destination.name, destination.label, "held", 0, location, problem=reason)
    inputs = inputs_checksum(context, destination)
    repeated = repeat_delivery(context, destination, location, inputs)
    return repeated or replace(_deliver_anew(context, destination, location), inputs=inputs)


def _deliver_anew(context: RunContext, destination: FileDestination, location: str) -> Delivery:
    with cached_frame(read_audience(context, destination)) as audience:
        allowed, withheld = count_audience(audience)
        told = Delivery(destination.name, destination.label, "delivered", allowed, location, withheld)
        out_of_bounds = destination.out_of_bounds(allowed)
        if out_of_bounds:
            return replace(told, status="skipped", row_count=0, withheld={**withheld, out_of_bounds: allowed})
        problem = _write(build_export(audience, destination=destination), destination, location)
    if problem:
        return replace(told, status="failed", row_count=0, problem=problem)
    return replace(told, files=files_checksum(location))


def _write(export: DataFrame, destination: FileDestination, location: str) -> str:
    """Write and return what went wrong; the cause goes to the log only, as Spark's words are many."""
    try:
        write_export(export, destination=destination, location=location)
    except (PySparkException, StateError, *JAVA_ERRORS) as error:
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
        sum(delivery.withheld.values()),
        dict(delivery.withheld),
        str(hide_secrets(delivery.location)),
        context.as_of,
        context.run_id,
    )
    application = f"{context.application('activation', DELIVERIES)}:{key}:{delivery.status}"
    if delivery.counts:  # a second attempt sends what the first one left
        application += f":{delivery.counts}"
    return context.store.append(DELIVERIES, DELIVERIES.table([row]), application=application)


def _metrics(deliveries: list[Delivery]) -> dict[str, float]:
    found: dict[str, float] = {}
    for it in deliveries:
        counts: dict[str, int] = {"rows": it.row_count, "withheld": sum(it.withheld.values())}
        counts.update({str(reason): count for reason, count in it.withheld.items()}, **it.counts)
        found |= {f"{it.destination}.{name}": float(count) for name, count in counts.items()}
    return found


def _sentence(delivery: Delivery) -> str:
    told = f"{delivery.destination}: "
    if delivery.status == "held":
        return f"{told}held, {delivery.problem}"
    withheld = [f"{count:,} withheld: {_REASONS[reason]}" for reason, count in delivery.withheld.items() if count]
    if delivery.status == "skipped":
        return f"{told}{', '.join(['skipped', *withheld])}"
    sent = _fates(delivery.counts) if delivery.counts else plural(delivery.row_count, "profile")
    return f"{told}{', '.join([sent, *withheld])}"


def _fates(counts: Mapping[str, int]) -> str:
    found = [f"{counts[status]} {words}" for status, words in _FATES.items() if counts.get(status)]
    return ", ".join(found) or "nothing to send"


def _warning(delivery: Delivery) -> str:
    """What the run's reader should look at."""
    count = delivery.withheld.get("above_max")
    if count:
        return f"destination {delivery.destination}: nothing sent, {count:,} is more than max_members"
    left = {name: count for name, count in delivery.counts.items() if name not in ("acknowledged", "ready")}
    if not any(left.values()):
        return ""
    return f"destination {delivery.destination}: {_fates(left)}; the table delivery_attempts says why"
