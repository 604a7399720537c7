"""A run's summary on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdp_spark.cli.display.output import console, near, print_rows

if TYPE_CHECKING:
    from cdp_spark.pipeline import RunSummary


def summary_facts(summary: RunSummary) -> dict[str, Any]:
    """The summary as plain values."""
    return {
        "run_id": summary.run.run_id,
        "as_of": summary.run.as_of,
        "resumed": summary.resumed,
        "release": summary.release.number if summary.release else None,
        "rows_delivered": summary.rows_delivered,
        "rows_rejected": summary.rows_rejected,
        "profiles": dict(summary.profiles),
        "segments": dict(summary.segments),
        "exports": [vars(export) for export in summary.exports],
        "report": str(summary.report) if summary.report else None,
        "stages": [{"stage": it.stage, "seconds": it.seconds, "detail": it.detail} for it in summary.outcomes],
        "metrics": summary.metrics,
    }


def print_summary(summary: RunSummary) -> None:
    """Print what a run came to: rows, profiles, segments, exports, report."""
    out = console()
    release = f"release {summary.release.number}" if summary.release else "no release yet"
    how = "continued and finished" if summary.resumed else "finished"
    out.print(f"\n[bold]run {summary.run.run_id}[/] {how} · {release}", markup=True)
    out.print(f"rows delivered {summary.rows_delivered:,}, rejected {summary.rows_rejected:,}")
    if summary.profiles:
        out.print("profiles: " + ", ".join(f"{kind} {count:,}" for kind, count in summary.profiles.items()))
    known, anonymous = (int(summary.metrics.get(f"visitors.{kind}", 0)) for kind in ("known", "anonymous"))
    if known or anonymous:
        out.print(f"visitors: {known:,} known, {anonymous:,} anonymous")
    if summary.segments:
        print_rows([{"segment": name, "members": size} for name, size in summary.segments.items()])
    if summary.exports:
        print_rows([vars(export) for export in summary.exports])
    if summary.report:
        out.print(f"report: {near(summary.report)}", soft_wrap=True)
