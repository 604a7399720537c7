"""Why somebody is or is not in a segment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdp_spark.cli.display.output import console, print_rows
from cdp_spark.view.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdp_spark.view.segments.model import Explanation, Judged, Membership

_TRUTHS = {True: "true", False: "false", None: "unknown"}


def print_explanation(found: Explanation) -> None:
    """Print the answer, since when it holds, and each condition with its truth and the values that it reads."""
    out = console()
    out.print(f"{found.name}, {found.entity_type} {found.unified_id}", style="bold", soft_wrap=True)
    out.print(tell_answer(found), soft_wrap=True)
    if found.entity_type == found.segment_type and not found.is_member:
        out.print(f"Kept out by: {'; '.join(found.decided_by)}.", soft_wrap=True)
    for it in found.memberships:
        out.print(tell_membership(it), soft_wrap=True)
    out.print()
    print_rows(list(_rows(found.conditions)), title=f"conditions, as of {shown(found.as_of)} UTC")


def tell_answer(found: Explanation) -> str:
    """Say whether somebody is a member by the definition, and in the release where that differs."""
    if found.entity_type != found.segment_type:
        return f"Not in {found.segment}, which is a segment of {found.segment_type}s."
    now = "" if found.is_member else "not "
    if found.is_member == found.was_member:
        return _sentence(f"{now}in {found.segment} (release {found.release}).")
    was = "" if found.was_member else "not "
    return _sentence(f"{now}in {found.segment} by its definition now; {was}in it in release {found.release}.")


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def tell_membership(span: Membership) -> str:
    """Say when somebody entered and left, and why."""
    entered = f"{shown(span.entered_at)} UTC{_reason(span.entered_because)}"
    if span.exited_at is None:
        return f"Member since {entered}."
    return f"Was a member from {entered} to {shown(span.exited_at)} UTC{_reason(span.exited_because)}."


def _reason(reason: str | None) -> str:
    return f" ({reason})" if reason else ""


def _rows(found: Judged, depth: int = 0) -> Iterator[dict[str, str]]:
    values = ", ".join(_value(name, value) for name, value in found.values.items())
    yield {"condition": "  " * depth + found.condition, "is": _TRUTHS[found.truth], "values": values}
    for part in found.parts:
        yield from _rows(part, depth + 1)


def _value(name: str, value: Any) -> str:  # noqa: ANN401 - of any column
    if value is None:
        return f"{name} has no value"
    if isinstance(value, float):
        return f"{name} = {value:,.10g}"
    return f"{name} = {shown(value) or 'empty'}"
