"""Independent actions of one session at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar, cast

from pyspark.util import inheritable_thread_target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyspark.sql import SparkSession

_AT_ONCE = 4

Result = TypeVar("Result")


def run_together(spark: SparkSession, actions: Mapping[str, Callable[[], Result]]) -> dict[str, Result]:
    """Run actions that need nothing of each other side by side.

    A small table's write is mostly planning and committing, which takes one core while the others wait.

    Args:
        spark: the session of all of them.
        actions: by name.

    Returns:
        Each action's result by its name.

    Raises:
        Exception: what the first of the actions that failed, in the order given, raised; the others have ended, too.
    """
    if not actions:
        return {}
    with ThreadPoolExecutor(max_workers=min(len(actions), _AT_ONCE)) as pool:
        running = {name: pool.submit(_in_own_properties(spark, action)) for name, action in actions.items()}
    return {name: future.result() for name, future in running.items()}


def _in_own_properties(spark: SparkSession, action: Callable[[], Result]) -> Callable[[], Result]:
    """Give the action's thread its own copy of the local properties.

    One target for several threads hands all of them the same object, in which each overwrites the others' query id:
    Spark then takes a job for one of a query that has ended, and never lets go of it and of what it broadcast.
    """
    return cast("Callable[[], Result]", inheritable_thread_target(spark)(action))
