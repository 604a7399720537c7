"""What sources delivered and what became of it, from the figures of a run's stages.

Delivered rows are the sum of new, unchanged, duplicate, rejected and suppressed ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.report.data import Count, SourceFlow, UnreadValues

if TYPE_CHECKING:
    from collections.abc import Mapping

_REASONS_SHOWN = 3
_KINDS = ("delivered", "new", "unchanged", "duplicate", "rejected", "suppressed", "conflicting")
_RECORDS, _DELIVERED = ".records", ".rows_delivered"
_TIME, _REJECTED = "observed_at", "rejected"


def read_sources(metrics: Mapping[str, float]) -> tuple[SourceFlow, ...]:
    """Return each source's rows by what became of them.

    Args:
        metrics: of the ingest stage, such as `crm.rows_new`.
    """
    names = sorted(name.removesuffix(_DELIVERED) for name in metrics if name.endswith(_DELIVERED))
    return tuple(_source_flow(name, metrics) for name in names)


def _source_flow(source: str, metrics: Mapping[str, float]) -> SourceFlow:
    def rows(kind: str) -> int:
        return int(metrics.get(f"{source}.rows_{kind}", 0))

    return SourceFlow(source, **{kind: rows(kind) for kind in _KINDS}, reasons=_top(metrics, f"{source}.{_REJECTED}."))


def read_unread_values(ingest: Mapping[str, float], standardise: Mapping[str, float]) -> tuple[UnreadValues, ...]:
    """Return the values that could not be read or mean nothing, by source and column.

    Args:
        ingest: figures of the stage: times and events' values of this run's delivery, such as `crm.times_unusable` and
            `shop.value.ambiguous`.
        standardise: figures of the stage: values of all current records, such as `crm.phone.too_short`.
    """
    found: dict[tuple[str, str], list[Count]] = {}
    for name, values in ingest.items():
        if name.endswith(".times_unusable") and values:
            found[name.split(".")[0], _TIME] = [Count("missing, unreadable or implausible", int(values))]
    for figures, marker in ((ingest, _DELIVERED), (standardise, _RECORDS)):
        sources = {name.removesuffix(marker) for name in figures if name.endswith(marker)}
        for name, values in figures.items():
            source, _, rest = name.partition(".")
            column, _, reason = rest.rpartition(".")
            if source in sources and column and column != _REJECTED:
                found.setdefault((source, column), []).append(Count(reason, int(values)))
    return tuple(
        UnreadValues(source, column, sum(it.count for it in reasons), _sorted(reasons))
        for (source, column), reasons in sorted(found.items())
    )


def add_flows(sources: tuple[SourceFlow, ...]) -> SourceFlow:
    """Add the rows of all sources up."""
    return SourceFlow("all sources", **{kind: sum(getattr(it, kind) for it in sources) for kind in _KINDS})


def _top(metrics: Mapping[str, float], prefix: str) -> tuple[Count, ...]:
    counts = [Count(name.removeprefix(prefix), int(rows)) for name, rows in metrics.items() if name.startswith(prefix)]
    return _sorted(counts)[:_REASONS_SHOWN]


def _sorted(counts: list[Count]) -> tuple[Count, ...]:
    return tuple(sorted(counts, key=lambda it: (-it.count, it.label)))
