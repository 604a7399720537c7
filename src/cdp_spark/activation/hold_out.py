"""Who of an audience is held out: of the campaign's experiment, or of all campaigns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.activation.audience import ALLOWED, SUPPRESSED
from cdp_spark.config.experiments import CONTROL, HOLD_OUT
from cdp_spark.tables.catalog import EXPERIMENT_ASSIGNMENTS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from cdp_spark.config.destination import AnyDestination
    from cdp_spark.tables.run import RunContext

HELD_OUT = "held_out"
"""Of an audience: true for those whom chance has put into a hold-out of the destination."""
_ARM_HERE = "arm_here"


def with_held_out(audience: DataFrame, context: RunContext, destination: AnyDestination) -> DataFrame:
    """Mark who is held out, who is not allowed then; of an experiment leave the people of its other arms out.

    Args:
        audience: one row per member, with `allowed` and `suppressed`.
        context: of the run; its base is the release to export.
        destination: may name an experiment and an arm.
    Returns: the audience with `held_out`; nobody where the experiment is not running any more.
    """
    names = experiments_of(context, destination)
    if has_ended(context, destination):
        return audience.where(F.lit(False)).withColumn(HELD_OUT, F.lit(False))
    if not names:
        return audience.withColumn(HELD_OUT, F.lit(False))
    rows = context.read_released(EXPERIMENT_ASSIGNMENTS).where(F.col(c.END_REASON).isNull())
    here = F.when(F.col(c.EXPERIMENT) != HOLD_OUT, F.col(c.ARM))
    arms = rows.where(F.col(c.EXPERIMENT).isin(*names)).groupBy(c.UNIFIED_ID)
    known = arms.agg(F.bool_or(F.col(c.ARM) == CONTROL).alias(HELD_OUT), F.max(here).alias(_ARM_HERE))
    joined = audience.join(known, on=c.UNIFIED_ID, how="left")
    if destination.experiment is not None:
        joined = joined.where(F.col(_ARM_HERE).isin(destination.experiment.arm, CONTROL))
    is_held = F.coalesce(HELD_OUT, F.lit(False))
    marked = joined.withColumns({HELD_OUT: is_held & ~F.col(SUPPRESSED), ALLOWED: F.col(ALLOWED) & ~is_held})
    return marked.drop(_ARM_HERE)


def experiments_of(context: RunContext, destination: AnyDestination) -> list[str]:
    """The experiments whose control a destination does not get."""
    names = [] if destination.experiment is None else [destination.experiment.name]
    has_hold_out = context.project.experiments.hold_out is not None and not destination.ignore_hold_out
    return [*names, HOLD_OUT] if has_hold_out else names


def has_ended(context: RunContext, destination: AnyDestination) -> bool:
    """Whether a destination's experiment is over."""
    named = destination.experiment
    experiment = None if named is None else context.project.experiments.find(named.name)
    return experiment is not None and context.today > experiment.ends


def warn_of_ended(context: RunContext) -> tuple[str, ...]:
    """Name the destinations that get nobody, as their experiment is over."""
    return tuple(
        f"destination {it.name}: its experiment {it.experiment.name} has ended, so it gets nobody; "
        "remove the destination, or its `experiment`"
        for it in context.project.destinations.destinations
        if it.experiment is not None and has_ended(context, it)
    )
