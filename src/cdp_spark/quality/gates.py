"""Gates of data quality: which bounds a run's measures break."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.quality.measures import show_measure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cdp_spark.config.project import QualityGate
    from cdp_spark.quality.measures import Measure


def closed_quality_gates(
    now: Iterable[Measure], before: Iterable[Measure], gates: Iterable[QualityGate]
) -> Iterator[str]:
    """Name the gates that a release may not pass: each with its figure and its bound.

    A measure that a run does not have closes no gate: a source that delivers nothing has its own guards.

    Args:
        now: measures of this run.
        before: of the run of the last release; none before the first.
        gates: of the project.
    """
    figures, earlier = _by_key(now), _by_key(before)
    for gate in gates:
        key = (gate.source, gate.field, gate.measure)
        figure, last = figures.get(key), earlier.get(key)
        if figure is None:
            continue
        if gate.min is not None and figure < gate.min:
            yield f"{_named(gate)} {_shown(gate, figure)}, at least {_shown(gate, gate.min)}"
        if gate.max is not None and figure > gate.max:
            yield f"{_named(gate)} {_shown(gate, figure)}, at most {_shown(gate, gate.max)}"
        if gate.max_drop is not None and last and (last - figure) / last > gate.max_drop:
            drop = f"{_shown(gate, last)} in the last release, a drop of at most {gate.max_drop:.0%} is allowed"
            yield f"{_named(gate)} {_shown(gate, figure)} after {drop}"


def _by_key(measures: Iterable[Measure]) -> dict[tuple[str, str | None, str], float]:
    return {(it.source, it.field, it.name): it.value for it in measures}


def _named(gate: QualityGate) -> str:
    return f"gate quality: {gate.measure} of {'.'.join(filter(None, (gate.source, gate.field)))}"


def _shown(gate: QualityGate, value: float) -> str:
    return show_measure(gate.measure, value)
