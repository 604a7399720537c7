"""spark-submit entry point of the nightly job: `spark-submit … jobs/nightly.py --project DIR [--as-of TIME]`."""

import argparse
import sys
from pathlib import Path

from cdp_spark.cli.display.output import printable
from cdp_spark.config.load import load_project
from cdp_spark.errors import CdpError
from cdp_spark.normalise.times import parse_time
from cdp_spark.runs.plan import RunOptions
from cdp_spark.runs.runner import nightly
from cdp_spark.runs.summary import RunSummary
from cdp_spark.session import get_project_session
from cdp_spark.tables.store import open_store


def run(arguments: list[str]) -> RunSummary:
    """Read the arguments, join Spark, run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, default=Path("conf"))
    parser.add_argument("--as-of", help="the run's clock, ISO 8601; UTC if it says none")
    parser.add_argument("--force", action="store_true", help="accept far fewer rows than last time, a clock far ahead")
    parser.add_argument("--no-report", action="store_true", help="write no HTML report")
    given = parser.parse_args(arguments)
    project = load_project(given.project)
    spark = get_project_session(project.settings, app_name="cdp-nightly")
    options = RunOptions(as_of=parse_time("--as-of", given.as_of), force=given.force, report=not given.no_report)
    return nightly(open_store(spark, project), project, options)


if __name__ == "__main__":
    try:
        summary = run(sys.argv[1:])
    except CdpError as error:
        print(printable(f"cdp: {error}"), file=sys.stderr)
        sys.exit(error.exit_code)
    told = f"{sum(summary.profiles.values()):,} profiles, report {summary.report or 'none'}"
    print(f"run {summary.run.run_id} finished: {told}")
