"""What a run tells of its deliveries: figures, one sentence, and warnings.

Every delivered row is one of new, unchanged, duplicate, rejected or suppressed. An event that came with another content
than it is stored with is a duplicate: it is known, and what is new about it is not stored.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.ingest.checks import name_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.config.source import SourceConfig
    from cdp_spark.ingest.checks import Verdict


_ISSUES_NAMED = 5
_REPEATED = {
    "order_lines": ("the order and line", "One of each is stored. If these are different lines, name their `line_id`."),
    "products": ("the product and time", "The one of the last file counts."),
    "rates": ("the currency and day", "The one of the last file counts."),
}
"""Kind of source to what rows that exclude each other have in common, and what becomes of them."""


@dataclass(frozen=True)
class Outcome:
    """A source's delivery and what became of it.

    Args:
        source: the source.
        verdict: its judged delivery.
        new_rows: rows that no earlier delivery held.
        changed_events: events that are stored with another content.
        unread: files of the delivery that were not read, with the reason.
    """

    source: SourceConfig
    verdict: Verdict
    new_rows: int = 0
    changed_events: int = 0
    unread: Mapping[str, str] = field(default_factory=dict)


def count_rows(outcome: Outcome) -> dict[str, int]:
    """Count a source's delivered rows by what became of them, and what else was found.

    Returns: `rows_delivered`, the sum of `rows_new`, `rows_unchanged`, `rows_duplicate`, `rows_rejected` and
        `rows_suppressed`; and further figures.
    """
    tally, drift = outcome.verdict.tally, outcome.verdict.drift
    duplicates = tally.duplicates + outcome.changed_events
    return {
        "rows_delivered": tally.rows,
        "rows_new": outcome.new_rows,
        "rows_unchanged": tally.accepted - duplicates - outcome.new_rows,
        "rows_duplicate": duplicates,
        "rows_rejected": tally.rows_rejected,
        "rows_suppressed": tally.suppressed,
        "rows_conflicting": tally.conflicts + outcome.changed_events,
        "times_unusable": tally.time_issues,
        "columns_missing": len(drift.missing),
        "columns_new": len(drift.new),
        "columns_retyped": len(drift.retyped),
        "files_unread": len(outcome.unread),
        **{f"rejected.{reason}": rows for reason, rows in sorted(tally.rejected.items())},
        **{issue.replace(":", "."): rows for issue, rows in sorted(tally.value_issues.items())},
    }


def tell_warnings(outcome: Outcome) -> list[str]:
    """Tell of rows whose content is lost or ambiguous, and of files that were not read."""
    source, warnings = outcome.source, []
    if outcome.verdict.tally.conflicts:
        warnings.append(_tell_conflicts(source, outcome.verdict.tally.conflicts))
    if outcome.changed_events:
        is_one = outcome.changed_events == 1
        warnings.append(
            f"{outcome.changed_events:,} event{'' if is_one else 's'} came with another content than the warehouse has "
            "under the same event_id; the stored content stays. If these are different events, add columns to "
            "`event_id`."
        )
    warnings += _tell_value_issues(outcome.verdict.tally.value_issues)
    if outcome.verdict.is_read_anew:
        setting = "observed_at" if source.kind == "records" else source.kind
        anew = "" if source.kind == "consents" else f" `cdp source reset {source.name}` loads them anew."
        warnings.append(f"`{setting}` changed; rows that were loaded before keep what was read then.{anew}")
    if outcome.unread:
        files = "1 file is" if len(outcome.unread) == 1 else f"{len(outcome.unread):,} files are"
        warnings.append(f"{files} not read: {name_files(outcome.unread)}.")
    return [f"source {source.name}: {warning}" for warning in warnings]


def _tell_value_issues(issues: Mapping[str, int]) -> list[str]:
    """Tell of values that could not be read, the most frequent first."""
    if not issues:
        return []
    counts = sorted(issues.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{issue.replace(':', ' ')} {rows:,}" for issue, rows in counts[:_ISSUES_NAMED])
    fix = " Say which sign separates decimals: `decimal: comma` or `decimal: point`." if _is_unsaid(issues) else ""
    values = sum(issues.values())
    return [f"{values:,} value{' is' if values == 1 else 's are'} null because they could not be read: {named}.{fix}"]


def _is_unsaid(issues: Mapping[str, int]) -> bool:
    return any(issue.endswith("ambiguous") and not issue.startswith(c.CURRENCY) for issue in issues)


def _tell_conflicts(source: SourceConfig, conflicts: int) -> str:
    rows = "1 row has" if conflicts == 1 else f"{conflicts:,} rows have"
    if source.kind == "records":
        named = f"the key ({', '.join(source.key)})"
        named += " and the time" if source.observed_at else ""
        effect = "One version of each counts as current. If these are different records, add columns to `key`."
    elif source.kind == "events":
        named = f"the event_id ({', '.join(source.events.event_id if source.events else ())})"
        effect = "Only the latest is stored. If these are different events, add columns to `event_id`."
    elif source.kind in _REPEATED:
        named, effect = _REPEATED[source.kind]
    else:
        named, effect = "the contact, purpose, time and status", "The evidence of one of them is stored."
    return f"{rows} {named} of another row and a different content. {effect}"


def tell_detail(outcomes: list[Outcome]) -> str:
    """Tell in one sentence what came."""
    verdicts = {it.source.name: it.verdict for it in outcomes}
    notes = [note for source, verdict in verdicts.items() if (note := _drift_note(source, verdict))]
    empty = [source for source, verdict in verdicts.items() if not verdict.tally.rows]
    notes += [f"{source}: empty" for source in empty]
    suppressed = sum(verdict.tally.suppressed for verdict in verdicts.values())
    notes += [f"{suppressed:,} rows suppressed"] if suppressed else []
    rows = sum(verdict.tally.rows for verdict in verdicts.values())
    return "; ".join([f"{rows:,} rows of {len(verdicts) - len(empty)} sources", *notes])


def _drift_note(source: str, verdict: Verdict) -> str:
    drift = verdict.drift
    parts = [f"no {name}" for name in drift.missing] + [f"new {name}" for name in drift.new]
    parts += [f"{name} was {was} and is {now}" for name, was, now in drift.retyped]
    return f"{source}: {', '.join(parts[:10])}" if parts else ""
