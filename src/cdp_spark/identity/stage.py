"""The identity stage: tonight's clusters and yesterday's ids → ids, registry, changes and issues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.identity.in_spark.stage import run_in_spark
from cdp_spark.identity.on_driver.plan import plan_night
from cdp_spark.identity.on_driver.stage import run_on_driver

if TYPE_CHECKING:
    from cdp_spark.tables.run import RunContext, StageResult

MAX_RECORDS = 200_000
"""Records of tonight and yesterday together: a second of work as a rule, ten where each of 100,000 loses its id."""


def run(context: RunContext) -> StageResult:
    """Assign stable ids to the run's clusters; writes `unified_ids`, `id_registry`, `id_changes`, `identity_issues`.

    Where few clusters were made anew since the last release, only the ids of their records are worked out; and few
    records on the driver, in Arrow memory.
    """
    night = plan_night(context, max_records=MAX_RECORDS)
    return run_in_spark(context) if night is None else run_on_driver(context, night)
