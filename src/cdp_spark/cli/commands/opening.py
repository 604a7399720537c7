"""Opening the project and its warehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.cli.options import options_of
from cdp_spark.config.load import load_project
from cdp_spark.session import get_project_session
from cdp_spark.tables.store import Store, open_store

if TYPE_CHECKING:
    import typer

    from cdp_spark.config.project import Project


def open_project(ctx: typer.Context) -> tuple[Project, Store]:
    """Check the project, start or join Spark, and open the project's warehouse.

    Raises:
        InvalidProjectError: all mistakes of the configuration at once.
        StateError: Spark cannot be started.
    """
    project = load_project(options_of(ctx).project)
    spark = get_project_session(project.settings, app_name=f"cdp-spark {project.settings.name}")
    return project, open_store(spark, project)
