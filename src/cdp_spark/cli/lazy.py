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
    "segments": ("commands.segments:app", "List segments, try their definitions, explain who is in them."),
    "resolve": ("commands.matching.resolve:resolve_files", "Match records in your own files; no project needed."),
    "blocking": ("commands.matching.blocking:app", "Suggest and estimate blocking rules."),
    "model": ("commands.matching.model:app", "Fit and list match models."),
    "insights": ("commands.warehouse.insights:app", "Fit, list and judge the models of people's events."),
    "experiments": ("commands.warehouse.experiments:app", "Show experiments: arms, outcomes, lift."),
    "why": ("commands.matching.why:why", "Explain why two records are together or apart."),
    "how": ("commands.matching.how:how", "Show how a person's records came together."),
    "evaluate": (
        "commands.matching.evaluate:evaluate",
        "Measure clusters against ground truth, labels or a reviewed sheet.",
    ),
    "label": (
        "commands.labelling.label:label",
        "Export pairs for human review (scores hidden), or import the answers.",
    ),
    "link": ("commands.labelling.label:link", "Label two records as the same."),
    "unlink": ("commands.labelling.label:unlink", "Label two records as different."),
    "labels": ("commands.labelling.labels:app", "List labels, or withdraw one."),
    "tables": ("commands.warehouse.state:tables", "List the tables: grain, kind, rows, version."),
    "runs": ("commands.warehouse.state:runs", "List the runs, or one run's stages."),
    "releases": ("commands.warehouse.state:releases", "List published releases."),
    "activation": ("commands.activation:app", "Hand rows over to drt, and read its results back."),
    "quality": ("commands.warehouse.quality:quality", "Show how complete, readable, fresh and large the sources are."),
    "source": ("commands.source:app", "Add a source, preview its rows, reload it."),
    "manifest": ("commands.warehouse.manifest:app", "Check a warehouse for lost tables, or rebuild its manifest."),
    "suppress": ("commands.warehouse.suppress:app", "Block identifiers at ingest."),
    "consent": ("commands.warehouse.consent:app", "List and settle unreadable consent withdrawals."),
    "erase": ("commands.warehouse.erase:erase_people", "Erase people from every table."),
    "diff": ("commands.warehouse.releases:diff", "Compare the IDs of two releases."),
    "changes": (
        "commands.warehouse.releases:changes",
        "List ID changes since a release, for other tools to replay.",
    ),
    "what-if": ("commands.what_if:what_if", "Try another configuration without touching the warehouse."),
    "rollback": ("commands.warehouse.releases:rollback", "Publish an older release again."),
    "id": ("commands.warehouse.ids:app", "Show what a unified ID resolves to now."),
    "validate": ("commands.project:validate", "Check a project's configuration."),
    "schema": ("commands.project:schema", "Print or write the JSON Schemas of the configuration."),
    "init": ("commands.project:init", "Write a commented starter project."),
    "demo": ("commands.demo:demo", "Generate the demo's data, run the nightly job on it, write a report."),
    "demo-data": ("commands.demo_data:demo_data", "Generate the demo's source files and their ground truth."),
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
