"""Opening the project and its warehouse."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from cdp_spark.cli.options import options_of
from cdp_spark.config.load import load_project
from cdp_spark.runs.small_data import measure_run
from cdp_spark.session import get_project_session
from cdp_spark.tables.store import Store, open_folder, open_store
from cdp_spark.view.warehouse import ReleasedWarehouse

if TYPE_CHECKING:
    from collections.abc import Mapping

    import typer

    from cdp_spark.config.project import Project
    from cdp_spark.runs.small_data import RunSize

_NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


def open_project(ctx: typer.Context) -> tuple[Project, Store]:
    """Check the project, start or join Spark, and open the project's warehouse.

    Raises:
        InvalidProjectError: all mistakes of the configuration at once.
        StateError: Spark cannot be started.
    """
    project = load_project(options_of(ctx).project)
    return project, _open_with_spark(project)


def open_for_run(ctx: typer.Context) -> tuple[Project, Store, RunSize]:
    """Do what `open_project` does for a run, with a session that suits the size of what it starts from.

    Raises:
        InvalidProjectError: all mistakes of the configuration at once.
        StateError: Spark cannot be started.
    """
    project = load_project(options_of(ctx).project)
    size = measure_run(project)
    return project, _open_with_spark(project, size.settings), size


def open_released(ctx: typer.Context) -> tuple[Project, ReleasedWarehouse]:
    """Check the project and open its newest release; without Spark where the warehouse is a folder of this machine.

    Raises:
        InvalidProjectError: all mistakes of the configuration at once.
        StateError: nothing was published yet, or Spark is needed and cannot be started.
    """
    project = load_project(options_of(ctx).project)
    folder = open_folder(project)
    if folder is None:
        return project, ReleasedWarehouse.newest(_open_with_spark(project))
    through_spark = cache(lambda: _open_with_spark(project))
    return project, ReleasedWarehouse.newest(folder, through_spark=through_spark)


def _open_with_spark(project: Project, conf: Mapping[str, str] = _NO_SETTINGS) -> Store:
    spark = get_project_session(project.settings, app_name=f"cdp-spark {project.settings.name}", conf=conf)
    return open_store(spark, project)
