"""Sources that events name: those of their lines, and those of the orders that they cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.config.base import choose_one

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdp_spark.config.checks.files import ProjectFiles
    from cdp_spark.errors import ConfigError


def event_mistakes(files: ProjectFiles) -> Iterator[ConfigError]:
    """Find events whose lines or orders are in no source."""
    if not files.are_whole("sources"):
        return
    values = [section.value for section in files.sources]
    with_lines = sorted(it.name for it in values if it.kind == "order_lines")
    with_orders = sorted(it.name for it in values if it.events and it.events.order_id)
    for section in files.sources:
        events = section.value.events
        if events is None:
            continue
        named = {"lines_from": (events.lines_from, with_lines), "cancels": (events.cancels, with_orders)}
        for setting, (reference, allowed) in named.items():
            name = (reference.source or section.value.name) if reference else None
            if name is not None and name not in allowed:
                what = "a source of order_lines" if setting == "lines_from" else "an event source with `order_id`"
                fix = choose_one(name, allowed) if allowed else f"add {what}"
                got = f"'{name}', which is not {what}"
                yield section.mistake("events", setting, got=got, allowed=", ".join(allowed) or what, fix=fix)
