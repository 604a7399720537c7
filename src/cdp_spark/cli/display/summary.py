"""A run's summary on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from cdp_spark.cli.display.output import console, near, print_rows

if TYPE_CHECKING:
    from cdp_spark.report.data import SourceFlow, UnreadValues
    from cdp_spark.runs.summary import RunSummary


def summary_facts(summary: RunSummary) -> dict[str, Any]:
    """The summary as plain values."""
    return {
        "run_id": summary.run.run_id,
        "as_of": summary.run.as_of,
        "resumed": summary.resumed,
        "release": summary.release.number if summary.release else None,
        "rows_delivered": summary.all_sources.delivered,
        "rows_new": summary.all_sources.new,
        "rows_unchanged": summary.all_sources.unchanged,
        "duplicates": summary.all_sources.duplicate,
        "rows_rejected": summary.all_sources.rejected,
        "rows_suppressed": summary.all_sources.suppressed,
        "warnings": list(summary.warnings),
        "unread_values": [_unread_facts(it) for it in summary.unread_values],
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
    out.print(_rows_line(summary.all_sources), soft_wrap=True)
    if summary.unread_values:
        print_rows([_unread_line(it) for it in summary.unread_values], title="values that could not be used")
    if summary.profiles:
        out.print("profiles: " + ", ".join(f"{kind} {count:,}" for kind, count in summary.profiles.items()))
    known, anonymous = (int(summary.metrics.get(f"visitors.{kind}", 0)) for kind in ("known", "anonymous"))
    if known or anonymous:
        out.print(f"visitors: {known:,} known, {anonymous:,} anonymous")
    if summary.segments:
        print_rows([{"segment": name, "members": size} for name, size in summary.segments.items()])
    if summary.exports:
        print_rows([vars(export) for export in summary.exports])
    for warning in summary.warnings:
        out.print(Text.assemble(("Warning: ", "yellow"), warning), soft_wrap=True)
    if summary.report:
        out.print(f"report: {near(summary.report)}", soft_wrap=True)


def _rows_line(rows: SourceFlow) -> str:
    kinds = ("new", "unchanged", "duplicate", "rejected", "suppressed")
    told = " + ".join(f"{getattr(rows, kind):,} {kind}" for kind in kinds)
    return f"rows delivered {rows.delivered:,} = {told}"


def _unread_line(it: UnreadValues) -> dict[str, Any]:
    reasons = ", ".join(f"{reason.label} {reason.count:,}" for reason in it.reasons)
    return {"source": it.source, "column": it.column, "values": it.values, "reasons": reasons}


def _unread_facts(it: UnreadValues) -> dict[str, Any]:
    return {**_unread_line(it), "reasons": {reason.label: reason.count for reason in it.reasons}}
