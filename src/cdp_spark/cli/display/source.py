"""What `cdp source add`, `cdp source preview` and `cdp validate --data` show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from cdp_spark.cli.display.output import near, print_rows
from cdp_spark.normalise.text import plural

if TYPE_CHECKING:
    from rich.console import Console

    from cdp_spark.errors import CdpError
    from cdp_spark.standalone.describing.add import Added
    from cdp_spark.standalone.describing.check import SourceCheck
    from cdp_spark.standalone.describing.reading import Field, ReadRows

_EXAMPLES = 5
_RAW_WIDTH = 70


def error_facts(error: CdpError) -> dict[str, str]:
    """An error, ready for JSON."""
    return {"where": error.where, "got": error.got, "allowed": error.allowed, "fix": error.fix, "message": str(error)}


def check_facts(check: SourceCheck) -> dict[str, Any]:
    """A source's check in figures."""
    return {"source": check.source, "rows read": check.rows if check.is_read else None, "refused": check.rejected}


def added_facts(added: Added) -> dict[str, Any]:
    """A new source, ready for JSON."""
    proposal = added.proposal
    return {
        "source": proposal.name,
        "kind": proposal.settings["kind"],
        "file": str(added.path),
        "unsure": list(proposal.unsure),
        "unused": [{"column": column, "why": why} for column, why in proposal.unused],
        "errors": list(added.mistakes),
    }


def print_added(console: Console, added: list[Added], project: str) -> None:
    """Print which files were written, and what somebody should check."""
    for it in added:
        notes = "; ".join(it.proposal.notes)
        console.print(f"{near(it.path.absolute())}: {it.proposal.settings['kind']} ({notes})", soft_wrap=True)
        for said in (*it.proposal.unsure, *it.mistakes):
            console.print(f"  Check {said}", style="yellow", soft_wrap=True)
        if it.proposal.unused:
            columns = ", ".join(column for column, _ in it.proposal.unused)
            console.print(f"  Not used: {columns}", style="dim", soft_wrap=True)
    name = added[0].proposal.name
    console.print(f"Next: cdp --project {project} source preview {name}", soft_wrap=True)


def preview_facts(found: ReadRows, rows: int) -> dict[str, Any]:
    """How a source's first rows are read, ready for JSON."""
    return {
        "source": found.source.name,
        "kind": found.source.kind,
        "rows": found.staged.num_rows,
        "fields": [
            {
                "meaning": it.meaning,
                "columns": list(it.columns),
                "filled": it.filled,
                "read": it.filled - it.reasons.total(),
                "unread": dict(it.reasons),
            }
            for it in found.fields
        ],
        "unused": list(found.unused),
        "examples": [
            {it.meaning: {"delivered": it.delivered[at], "read": it.read[at], "why": it.why[at]} for it in found.fields}
            for at in range(min(rows, _count(found)))
        ],
        "refused": [{"reason": reason, "row": text} for reason, text in found.rejected[:_EXAMPLES]],
        "refused_count": len(found.rejected),
    }


def print_preview(console: Console, found: ReadRows, rows: int) -> None:
    """Print how a source's first rows are read: each field's figures, some rows, the refused ones."""
    count = plural(found.staged.num_rows, "row")
    console.print(f"{found.source.name}: {found.source.kind}, {count} read, {len(found.rejected):,} refused")
    print_rows([_summary(it) for it in found.fields])
    if found.unused:
        console.print(f"Not used: {', '.join(found.unused)}", style="dim")
    for at in range(min(rows, _count(found))):
        table = Table("field", "as delivered", "as read", box=None, pad_edge=False, header_style="bold")
        for field in found.fields:
            table.add_row(field.meaning, field.delivered[at] or "", _read(field, at))
        console.print(f"\nRow {at + 1}", style="bold")
        console.print(table)
    for reason, text in found.rejected[:_EXAMPLES]:
        short = text if len(text) <= _RAW_WIDTH else f"{text[:_RAW_WIDTH]}…"
        console.print(f"Refused ({reason}): {short}", style="yellow", soft_wrap=True)


def _count(found: ReadRows) -> int:
    return min((len(it.delivered) for it in found.fields), default=0)


def _summary(field: Field) -> dict[str, Any]:
    reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in field.reasons.most_common())
    return {
        "field": field.meaning,
        "column": ", ".join(field.columns) or "(constant)",
        "filled": field.filled,
        "read": field.filled - field.reasons.total(),
        "not read": reasons,
    }


def _read(field: Field, at: int) -> str:
    if field.why[at] is not None:
        return f"not read: {field.why[at]}"
    return field.read[at] or "null"
