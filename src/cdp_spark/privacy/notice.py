"""The notice stage of an erasure: every destination is told which ids are gone."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from cdp_spark.activation.notice import tell_erased
from cdp_spark.activation.stage import record_delivery, refuse_failed
from cdp_spark.privacy.people.requests import read_people
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import DELIVERIES
from cdp_spark.tables.run import RunContext, StageResult

if TYPE_CHECKING:
    from cdp_spark.activation.export import Delivery


def run(context: RunContext) -> StageResult:
    """Tell the destinations; one that fails does not keep the others from it.

    Raises:
        StateError: a destination could not be told; all others were.
    """
    people = read_people(replace(context, base_versions={}))  # what the run started from is vacuumed
    ids = (*people.ids, *people.merged_ids) if people else ()
    destinations = context.project.destinations.destinations
    tells = {it.name: partial(tell_erased, context, it, ids) for it in destinations}
    told: list[Delivery] = list(run_together(context.store.spark, tells).values())
    versions = [record_delivery(context, delivery) for delivery in told]
    refuse_failed(told, again="cdp erase --continue")
    detail = f"{len(told)} destinations told of {len(ids):,} ids" if told else "no destinations"
    return StageResult({DELIVERIES.name: versions[-1]} if versions else {}, detail=detail)
