"""Why a destination gets nothing of a release, although it is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.config.destination import NO_PURPOSE
from cdp_spark.tables.catalog import SEGMENTS
from cdp_spark.tables.consents import fetch_issues, find_open, holding, of_purpose, tell_names

if TYPE_CHECKING:
    from cdp_spark.config.destination import AnyDestination
    from cdp_spark.tables.run import RunContext


def find_hold(context: RunContext, destination: AnyDestination) -> str:
    """Tell why a destination is held; empty where it is not.

    Args:
        context: of the run; its base is the release to export.
        destination: with its segments and those that it leaves out.
    Returns: a withdrawal for its purpose that cannot be read, or a segment that could not be evaluated.
    """
    unread = of_purpose(holding(find_open(fetch_issues(context.store)), context.project), destination.purpose)
    if unread and destination.purpose != NO_PURPOSE:
        return f"a withdrawal cannot be read: {tell_names(unread)} (`cdp consent list`)"
    used = {*destination.included, *destination.exclude}
    rows = context.fetch_released(SEGMENTS).to_pylist()
    failed = [row for row in rows if row[c.STATUS] == "failed" and row[c.SEGMENT] in used]
    return "; ".join(f"segment {row[c.SEGMENT]} could not be evaluated: {row[c.REASON]}" for row in failed)
