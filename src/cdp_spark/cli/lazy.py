"""A group of commands that imports a command's module when it is called, so that the help is there at once."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import typer
from typer.core import TyperCommand, TyperGroup
from typing_extensions import override

from cdp_spark.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer._click.core import Command, Context
    from typer._click.formatting import HelpFormatter

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("commands.run:app", "Run the nightly job, or some of its stages."),
    "stages": ("commands.stages:stages", "List the stages of a run, and the tables that each reads and writes."),
    "profile": ("commands.warehouse.profile:app", "Look up a profile."),
    "resolve": ("commands.matching.resolve:resolve_files", "Match records in your own files; no project needed."),
    "blocking": ("commands.matching.blocking:app", "Suggest and estimate blocking rules."),
    "model": ("commands.matching.model:app", "Fit and list match models."),
    "insights": ("commands.warehouse.insights:app", "Fit, list and judge the models of people's events."),
    "why": ("commands.matching.why:why", "Explain why two records are together or apart."),
    "how": ("commands.matching.how:how", "Show how a person's records came together."),
    "evaluate": ("commands.matching.evaluate:evaluate", "Measure clusters by a truth, labels or an answered sheet."),
    "label": ("commands.labelling.label:label", "Write pairs for a person to answer, or read the answers back."),
    "link": ("commands.labelling.label:link", "Say that two records are the same."),
    "unlink": ("commands.labelling.label:unlink", "Say that two records are not the same."),
    "labels": ("commands.labelling.labels:app", "List what people said about pairs, or take it back."),
    "tables": ("commands.warehouse.state:tables", "List the tables: grain, kind, rows, version."),
    "runs": ("commands.warehouse.state:runs", "List the runs, or one run's stages."),
    "releases": ("commands.warehouse.state:releases", "List what was published."),
    "quality": ("commands.warehouse.quality:quality", "Show how complete, readable, fresh and large the sources are."),
    "source": ("commands.source:app", "Add a source, preview its rows, reload it."),
    "manifest": ("commands.warehouse.manifest:app", "Check a warehouse for lost tables, or rebuild its manifest."),
    "suppress": ("commands.warehouse.suppress:app", "Keep identifiers from coming back at ingest."),
    "consent": ("commands.warehouse.consent:app", "List and settle withdrawals that cannot be read."),
    "erase": ("commands.warehouse.erase:erase_people", "Erase people from every table."),
    "diff": ("commands.warehouse.releases:diff", "Compare the ids of two releases."),
    "changes": (
        "commands.warehouse.releases:changes",
        "List the changes of ids since a release, for other tools to replay.",
    ),
    "what-if": ("commands.what_if:what_if", "Try another configuration beside the warehouse."),
    "rollback": ("commands.warehouse.releases:rollback", "Publish an older release again."),
    "id": ("commands.warehouse.ids:app", "Follow a unified id to the one that lives."),
    "validate": ("commands.project:validate", "Check a project's configuration."),
    "schema": ("commands.project:schema", "Print or write the JSON Schemas of the configuration."),
    "init": ("commands.project:init", "Write a commented starter project."),
    "demo": ("commands.demo:demo", "Make the demo's data, run the nightly job on it, write a report."),
    "demo-data": ("commands.demo_data:demo_data", "Make the demo's source files, with the truth apart."),
}
"""Command to the place of its function or group below `cdp_spark.cli`, and its line in the help."""

_DESCRIBING = "cdp.describing"
_OF_SPARK = frozenset({"pyspark", "delta", "deltalake", "graphframes", "pandas", "altair", "jinja2", "vl_convert"})
"""What the extra `spark` installs."""


class LazyGroup(TyperGroup):
    """The commands of `COMMANDS`."""

    @override
    def list_commands(self, ctx: Context) -> list[str]:
        return list(COMMANDS)

    @override
    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """The command; while the help is written, its name and line only."""
        if cmd_name not in COMMANDS:
            return None
        place, line = COMMANDS[cmd_name]
        return TyperCommand(cmd_name, help=line) if ctx.meta.get(_DESCRIBING) else _load(cmd_name, place)

    @override
    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the help from the list alone."""
        ctx.meta[_DESCRIBING] = True
        super().format_help(ctx, formatter)


def _load(name: str, place: str) -> Command:
    """Import a command.

    Raises:
        ConfigError: it needs Spark, which is not installed.
    """
    module, attribute = place.split(":")
    try:
        target = getattr(import_module(f"cdp_spark.cli.{module}"), attribute)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in _OF_SPARK:
            raise
        fix = "pip install 'cdp-spark[spark]', with Java 17 or newer"
        raise ConfigError(f"cdp {name}", got="no Spark, which this command needs", fix=fix) from error
    command = typer.main.get_command(_as_app(target))
    command.name = name
    return command


def _as_app(target: typer.Typer | Callable[..., None]) -> typer.Typer:
    if isinstance(target, typer.Typer):
        return target
    single = typer.Typer(add_completion=False)
    single.command()(target)
    return single
