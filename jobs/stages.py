"""spark-submit entry point of some stages: `spark-submit … jobs/stages.py --project DIR --from STAGE --to STAGE`."""

import argparse
import sys
from pathlib import Path

from cdp_spark.cli.display.output import printable
from cdp_spark.config.load import load_project
from cdp_spark.errors import CdpError
from cdp_spark.runs.runner import run_stages
from cdp_spark.runs.stages import STAGES
from cdp_spark.runs.summary import RunSummary
from cdp_spark.session import get_project_session
from cdp_spark.tables.store import open_store


def run(arguments: list[str]) -> RunSummary:
    """Read the arguments, join Spark, run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, default=Path("conf"))
    parser.add_argument("--from", dest="first", choices=STAGES)
    parser.add_argument("--to", dest="last", choices=STAGES)
    given = parser.parse_args(arguments)
    project = load_project(given.project)
    spark = get_project_session(project.settings, app_name="cdp-stages")
    return run_stages(open_store(spark, project), project, first=given.first, last=given.last)


if __name__ == "__main__":
    try:
        summary = run(sys.argv[1:])
    except CdpError as error:
        print(printable(f"cdp: {error}"), file=sys.stderr)
        sys.exit(error.exit_code)
    print(f"run {summary.run.run_id} finished: {', '.join(summary.run.finished)}")
