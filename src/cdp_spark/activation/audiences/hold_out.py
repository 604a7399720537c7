"""Who of an audience is held out: of the campaign's experiment, or of all campaigns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.activation.audiences.audience import REASON
from cdp_spark.config.experiments import CONTROL, HOLD_OUT
from cdp_spark.tables.catalog import EXPERIMENT_ASSIGNMENTS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from cdp_spark.config.destination import AnyDestination
    from cdp_spark.tables.run import RunContext

_IS_HELD_OUT, _ARM_HERE = "is_held_out", "arm_here"


def with_held_out(audience: DataFrame, context: RunContext, destination: AnyDestination) -> DataFrame:
    """Withhold those whom chance has put into a hold-out; of an experiment leave the people of its other arms out.

    Args:
        audience: one row per member, with `withheld_reason`.
        context: of the run; its base is the release to export.
        destination: may name an experiment and an arm.
    Returns: the audience; nobody where the experiment is not running any more.
    """
    names = experiments_of(context, destination)
    if has_ended(context, destination):
        return audience.where(F.lit(False))
    if not names:
        return audience
    rows = context.read_released(EXPERIMENT_ASSIGNMENTS).where(F.col(c.END_REASON).isNull())
    here = F.when(F.col(c.EXPERIMENT) != HOLD_OUT, F.col(c.ARM))
    arms = rows.where(F.col(c.EXPERIMENT).isin(*names)).groupBy(c.UNIFIED_ID)
    known = arms.agg(F.bool_or(F.col(c.ARM) == CONTROL).alias(_IS_HELD_OUT), F.max(here).alias(_ARM_HERE))
    joined = audience.join(known, on=c.UNIFIED_ID, how="left")
    if destination.experiment is not None:
        joined = joined.where(F.col(_ARM_HERE).isin(destination.experiment.arm, CONTROL))
    is_left = F.col(REASON).isNull() | ~F.col(REASON).isin("excluded", "suppressed")
    reason = F.when(F.col(_IS_HELD_OUT) & is_left, F.lit("held_out")).otherwise(F.col(REASON))
    return joined.withColumn(REASON, reason).drop(_IS_HELD_OUT, _ARM_HERE)


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
