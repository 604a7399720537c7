"""The command `cdp`: its global options, and how errors are told."""

import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from cdp_spark.cli.display.output import printable
from cdp_spark.cli.lazy import LazyGroup
from cdp_spark.cli.options import Options
from cdp_spark.errors import CdpError
from cdp_spark.version import __version__

UNEXPECTED = 70
"""The exit code of an error that nobody foresaw: a defect."""
_ANYWHERE = {"--project": 1, "--quiet": 0, "--debug": 0}
"""Global options, with the number of values that follow; they may stand anywhere on the line."""


app = typer.Typer(cls=LazyGroup, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cdp-spark {__version__}")
        raise typer.Exit


@app.callback()
def cdp(
    ctx: typer.Context,
    project: Annotated[Path, typer.Option(envvar="CDP_PROJECT", help="Project folder.")] = Path("conf"),
    quiet: Annotated[bool, typer.Option("--quiet", help="Print results only.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error, and more of the log.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    """A Customer Data Platform on Spark: collect, match, unify profiles, activate."""
    del version
    ctx.obj = Options(project=project, quiet=quiet, debug=debug)


def main() -> None:
    """Run the command line; a known error is one message and its exit code, never a traceback."""
    arguments = global_options_first(sys.argv[1:])
    debug = "--debug" in arguments
    try:
        app(args=arguments, prog_name="cdp")
    except CdpError as error:
        _tell(f"cdp: {error}", debug=debug)
        sys.exit(error.exit_code)
    except Exception as error:
        if (known := _explain(error)) is not None:
            _tell(f"cdp: {known}", debug=debug)
            sys.exit(known.exit_code)
        _tell(f"cdp: unexpected {type(error).__name__}. Run the same command with --debug for details.", debug=debug)
        sys.exit(UNEXPECTED)


def _explain(error: Exception) -> CdpError | None:
    """What the machine or an engine did, in one sentence."""
    from cdp_spark.tables.trouble import explain  # noqa: PLC0415 - not needed by most calls

    return explain(error, "this command")


def _tell(message: str, *, debug: bool) -> None:
    typer.echo(printable(f"{traceback.format_exc()}{message}" if debug else message), err=True)


def global_options_first(arguments: list[str]) -> list[str]:
    """Bring `--project DIR`, `--quiet` and `--debug` before the command, wherever they were written."""
    front: list[str] = []
    rest: list[str] = []
    left = list(arguments)
    while left:
        word = left.pop(0)
        if word == "--":
            return [*front, *rest, word, *left]
        name, _, value = word.partition("=")
        target = front if name in _ANYWHERE else rest
        target.append(word)
        if name in _ANYWHERE and not value:
            target.extend(left.pop(0) for _ in range(min(_ANYWHERE[name], len(left))))
    return [*front, *rest]
