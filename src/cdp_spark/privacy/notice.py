"""The notice stage of an erasure: every destination is told which ids are gone."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from cdp_spark.activation.notice import tell_erased
from cdp_spark.activation.sending.senders import tell_erased_rows
from cdp_spark.activation.stage import hand_over
from cdp_spark.privacy.people.requests import read_people
from cdp_spark.tables.run import RunContext, StageResult


def run(context: RunContext) -> StageResult:
    """Tell the destinations; one that fails does not keep the others from it.

    Raises:
        StateError: a destination could not be told; all others were.
    """
    people = read_people(replace(context, base_versions={}))  # what the run started from is vacuumed
    ids = (*people.ids, *people.merged_ids) if people else ()
    destinations = context.project.destinations
    tells = {it.name: partial(tell_erased, context, it, ids) for it in destinations.files}
    tells |= {it.name: partial(tell_erased_rows, it, ids, release=context.ordinal) for it in destinations.rows}
    told, versions = hand_over(context, tells, again="cdp erase --continue")
    detail = f"{len(told)} destinations told of {len(ids):,} ids" if told else "no destinations"
    untold = tuple(f"destination {it.destination}: {it.problem}" for it in told if it.status == "held")
    return StageResult(versions, detail=detail, warnings=untold)
