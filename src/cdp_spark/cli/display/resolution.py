"""What `cdp resolve` says of its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from cdp_spark.standalone.usage import column_uses

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from cdp_spark.standalone.resolve import Resolution
    from cdp_spark.standalone.usage import ColumnUse

_LEFT_OUT = {
    "null_key": "no id",
    "no_record": "empty, or a report's last lines",
    "column_count": "more or fewer cells than the header, as a report's last lines have",
    "unclosed_quote": "a quote is not closed",
    "malformed_json": "not JSON, or not an object",
    "bad_encoding": "letters are not of the file's encoding (--encoding)",
}
"""What is wrong with rows that are no records, by reason."""


def facts_of(resolution: Resolution, out: Path, seconds: float) -> dict[str, Any]:
    """The result in figures and words, ready for JSON."""
    return {
        "records": resolution.described.record_count,
        "clusters": resolution.clustered.cluster_count,
        "largest_cluster": resolution.clustered.largest_cluster,
        "pairs_compared": resolution.clustered.pair_count,
        "rejected": resolution.described.rejected,
        "notes": list(resolution.described.notes),
        "doubts": [f"{doubt.problem}: {doubt.fix}" for doubt in resolution.scored.doubts],
        "seconds": round(seconds, 1),
        "out": str(out),
        "columns": {
            name: {use.item.column: _column_facts(use) for use in uses}
            for name, uses in column_uses(resolution.described.recognised, resolution.match).items()
        },
        "unread_dates": _unread_dates(resolution),
        "rules": [
            {"rule": item.rule.name, "pairs": round(item.pairs), "recall": round(item.recall, 4)}
            for item in resolution.rules
        ],
    }


def print_resolution(console: Console, resolution: Resolution, facts: dict[str, Any]) -> None:
    """Print what the columns were taken for, the rules, and the figures."""
    for note in resolution.described.notes:
        console.print(note, markup=False, highlight=False, soft_wrap=True)
    _print_columns(console, resolution)
    if any(not estimate.rule.keys for estimate in resolution.rules):
        console.print(f"Every two of the {facts['records']:,} records are compared.", highlight=False)
    elif resolution.rules:
        rules = Table("blocking rule", "pairs", "adds pairs", "recall so far", title="Rules", title_justify="left")
        for estimate in resolution.rules:
            counts = (f"{estimate.pairs:,.0f}", f"{estimate.added_pairs:,.0f}", f"{estimate.recall:.1%}")
            rules.add_row(estimate.rule.name, *counts)
        console.print(rules)
    for reason, count in resolution.described.rejected.items():
        said = _LEFT_OUT.get(reason.rsplit(" ", 1)[-1], "could not be read")
        rows = "1 row" if count == 1 else f"{count:,} rows"
        console.print(f"{rows} left out: {said} ({reason})", style="yellow", soft_wrap=True)
    for told in facts["unread_dates"]:
        console.print(told, style="yellow")
    for doubt in facts["doubts"]:
        console.print(f"Warning: {doubt}", style="yellow")
    console.print(
        f"{facts['records']:,} records, {facts['pairs_compared']:,} pairs compared, "
        f"[bold]{facts['clusters']:,} clusters[/bold] (largest: {facts['largest_cluster']:,} records) "
        f"in {facts['seconds']} s → {escape(facts['out'])}",
        markup=True,
    )


def _print_columns(console: Console, resolution: Resolution) -> None:
    for name, uses in column_uses(resolution.described.recognised, resolution.match).items():
        columns = Table("column", "taken for", "why", "used", title=f"Columns of {name}", title_justify="left")
        for use in uses:
            columns.add_row(use.item.column, use.item.meaning, use.item.reason, _used(use))
        console.print(columns)


def _column_facts(use: ColumnUse) -> dict[str, Any]:
    facts: dict[str, Any] = {"meaning": use.item.meaning, "why": use.item.reason, "used": use.used}
    return facts if use.why_not is None else {**facts, "why_not": use.why_not}


def _used(use: ColumnUse) -> str:
    if use.used:
        return "yes"
    return "no" if use.why_not in {None, use.item.reason} else f"no: {use.why_not}"


def _unread_dates(resolution: Resolution) -> list[str]:
    """Say of which birth dates the order of day and month is unknown."""
    return [
        f"{item.column} of {name}: {item.profile.open_dates:,} dates may be day/month or month/day and are not used "
        "(day_or_month). Say which with --date-order dmy or --date-order mdy."
        for name, found in resolution.described.recognised.items()
        for item in found
        if item.meaning == "birth_date" and item.profile.open_dates
    ]
