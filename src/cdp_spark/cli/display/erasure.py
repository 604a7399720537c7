"""What an erasure will do, and what it came to."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cdp_spark.activation.export import export_location
from cdp_spark.activation.notice import ERASED
from cdp_spark.cli.display.output import console, near, print_json, print_rows
from cdp_spark.errors import StateError
from cdp_spark.privacy.vacuum import EXPORTS_LEFT
from cdp_spark.runs.stages import VACUUM

if TYPE_CHECKING:
    from cdp_spark.config.project import Project
    from cdp_spark.privacy.stage import Plan
    from cdp_spark.runs.runner import ErasureSummary


def print_plan(plan: Plan, *, as_json: bool) -> None:
    """Print the rows that go, the identifiers that must not come back, and those that may."""
    rows = {name: count for name, count in plan.counts.items() if count}
    listed = Counter(kind for kind, _ in plan.known.listed)
    if as_json:
        print_json(
            {
                "ids": plan.people.ids,
                "merged_ids": plan.people.merged_ids,
                "rows": rows,
                "suppressed": dict(sorted(listed.items())),
                "shared": plan.known.shared,
                "shared_with": plan.known.shared_with,
            }
        )
        return
    merged = f", to which {len(plan.people.merged_ids)} others lead" if plan.people.merged_ids else ""
    console().print(f"\n{', '.join(plan.people.ids)}{merged}", markup=False)
    print_rows([{"table": name, "rows to erase": count} for name, count in rows.items()], title="what goes")
    kept_out = [{"identifiers": kind, "kept out": count} for kind, count in sorted(listed.items())]
    print_rows(kept_out, title="\nwhat must not come back")
    shared = [
        {"identifiers": kind, "others have, too": count, "such as": plan.known.shared_with.get(kind, ())[:5]}
        for kind, count in plan.known.shared.items()
    ]
    if shared:
        print_rows(shared, title="\nwhat may come back, as it would keep others out")


def print_erasure(done: ErasureSummary, project: Project, *, as_json: bool) -> None:
    """Print what was erased, and who was told.

    Raises:
        StateError: exports of earlier releases could not be deleted.
    """
    facts = _facts(done)
    if as_json:
        print_json(facts)
    else:
        _print(facts, project)
    vacuumed = done.run.finished[VACUUM]
    if vacuumed.metrics.get(EXPORTS_LEFT):
        fix = "delete them by hand: they hold the people"
        raise StateError("cdp erase", got=f"exports that could not be deleted ({vacuumed.detail})", fix=fix)


def _print(facts: dict[str, Any], project: Project) -> None:
    out, total = console(), sum(facts["rows"].values())
    out.print(
        f"\nerased {facts['ids']:,} ids: {total:,} rows of {len(facts['rows'])} tables; "
        f"{facts['suppressed']:,} identifiers kept out; release {facts['release']}, those before it expired"
    )
    for each in project.destinations.files:
        place = export_location(each, folder=project.folder, release=facts["release"], below=ERASED)
        shown_place = place if "://" in place else near(Path(place).resolve())
        out.print(f"told {each.name}: {shown_place}", markup=False)
    for row_destination in project.destinations.rows:
        out.print(f"told {row_destination.name}", markup=False)


def _facts(done: ErasureSummary) -> dict[str, Any]:
    metrics = {name: value for it in done.run.finished.values() for name, value in it.metrics.items()}
    rows = {name.removeprefix("erased."): int(it) for name, it in metrics.items() if name.startswith("erased.")}
    return {
        "run_id": done.run.run_id,
        "release": done.run.ordinal,
        "ids": rows.pop("ids", 0),
        "rows": rows,
        "suppressed": int(metrics.get("suppressed.new", 0)),
        "shared": {name.removeprefix("shared."): int(it) for name, it in metrics.items() if name.startswith("shared.")},
        "details": {name: it.detail for name, it in done.run.finished.items()},
    }
