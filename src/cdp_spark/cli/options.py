"""What every command is told."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cdp_spark.cli.display.output import PlainFormatter

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True)
class Options:
    """The global options.

    Args:
        project: the project's folder.
        quiet: True to print results only.
        debug: True to show tracebacks.
    """

    project: Path = Path("conf")
    quiet: bool = False
    debug: bool = False


def options_of(ctx: typer.Context) -> Options:
    """The global options of this call."""
    options = ctx.find_object(Options) or Options()
    shown = logging.StreamHandler()
    shown.setFormatter(PlainFormatter("%(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO if options.debug else logging.WARNING, handlers=[shown])
    return options
