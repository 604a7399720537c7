"""Lists, sizes, overlaps, previews and differences of segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdp_spark.cli.display.output import console, print_rows
from cdp_spark.normalise.text import plural
from cdp_spark.view.text import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdp_spark.view.segments.model import Overlap, Preview, SegmentDifference, SegmentFacts, SegmentSize

_WHOLE = 100


def print_list(found: Sequence[SegmentFacts]) -> None:
    """Print the segments of a project, one a row; on a terminal the time once, since all have it."""
    for_people = console().is_terminal
    rows = [
        {
            "segment": it.segment,
            "of": it.entity_type,
            "members": "not yet" if it.members is None else it.members,
            **({} if for_people else {"computed at (UTC)": it.computed_at}),
            "destinations": ", ".join(it.destinations),
            "description": it.description,
        }
        for it in found
    ]
    title = f"members computed at {shown(found[0].computed_at)} UTC" if rows and for_people else ""
    print_rows(rows, title=title if rows else "segments", empty="the project has none")


def size_row(size: SegmentSize) -> dict[str, Any]:
    """A segment's line: what it would have, what it has, the difference."""
    return {"segment": size.segment, "now": size.now, "released": size.released, "difference": size.difference}


def print_members(found: Preview) -> None:
    """Print some members with what the segment's conditions read, and how many there are."""
    count = f"{len(found.members):,} of {plural(found.size, 'member')}, by unified id"
    title = f"{found.segment}: {count}" if found.members else found.segment
    print_rows([_named(it) for it in found.members], title=title, empty="no members")


def _named(person: Mapping[str, Any]) -> Mapping[str, Any]:
    """A person as a terminal has room for: the name and the first record; to programs all."""
    if not console().is_terminal:
        return person
    rest = {name: value for name, value in person.items() if name not in ("unified_id", "name", "records")}
    return {"record": (*person["records"], person["unified_id"])[0], "name": person["name"], **rest}


def print_overlap(found: Overlap) -> None:
    """Print a matrix: a row's members who are in the column's segment, too, and their share of the row's members."""
    title = "members of the row's segment who are in the column's, too"
    places = range(len(found.segments))
    if not console().is_terminal:
        print_rows([_matrix_row(found, row, percent=False) for row in places], title=title)
        print_rows([_matrix_row(found, row, percent=True) for row in places], title=f"{title}, in percent")
        return
    rows = [
        {"": str(row + 1), "segment": found.segments[row], **{str(it + 1): _cell(found, row, it) for it in places}}
        for row in places
    ]
    print_rows(rows, title=title, empty="no segment has members")


def overlap_facts(found: Overlap) -> dict[str, Any]:
    """An overlap for programs: each ordered pair of segments."""
    places = range(len(found.segments))
    pairs = [
        {
            "segment": found.segments[row],
            "other": found.segments[column],
            "shared": found.shared[row][column],
            "share": found.share(row, column),
        }
        for row in places
        for column in places
        if row != column
    ]
    return {"sizes": {name: found.shared[it][it] for it, name in enumerate(found.segments)}, "pairs": pairs}


def _matrix_row(found: Overlap, row: int, *, percent: bool) -> dict[str, Any]:
    cells = {
        name: _percent(found.share(row, it)) if percent else found.shared[row][it]
        for it, name in enumerate(found.segments)
    }
    return {"segment": found.segments[row], **cells}


def _percent(share: float | None) -> float | None:
    return None if share is None else round(_WHOLE * share, 1)


def _cell(found: Overlap, row: int, column: int) -> str:
    shared, share = found.shared[row][column], found.share(row, column)
    return f"{shared:,}" if row == column or not shared or share is None else f"{shared:,} ({share:.0%})"


def print_differences(found: Sequence[SegmentDifference]) -> None:
    """Print whom the definitions would bring in and take out, then for each segment that changes why, and examples."""
    rows = [
        {"segment": it.segment, "released": it.released, "now": it.now, "enter": it.enters, "exit": it.exits}
        for it in found
    ]
    print_rows(rows, title="" if rows else "segments", empty="the project has none")
    for it in found:
        if it.decided_by:
            _print_reasons(it)


def _print_reasons(found: SegmentDifference) -> None:
    has_earlier = any(it.definition == "before" for it in found.decided_by)
    rows = [
        {
            "change": it.change,
            "people": it.people,
            **({"definition": it.definition} if has_earlier else {}),
            "decided by": it.condition,
        }
        for it in found.decided_by
    ]
    console().print()
    print_rows(rows, title=f"{found.segment}: conditions that decide")
    examples = [{"change": change, **_named(it)} for change, people in (found.examples or {}).items() for it in people]
    console().print()
    print_rows(examples, title=f"{found.segment}, for example")
