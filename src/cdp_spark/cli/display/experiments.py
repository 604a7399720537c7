"""An experiment's results in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdp_spark import columns as c
from cdp_spark.limits import MIN_OUTCOMES, MISMATCH_P

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Row = Mapping[str, Any]


def arm_rows(rows: Sequence[Row]) -> list[dict[str, object]]:
    """A line for each arm.

    Args:
        rows: of `experiment_results`, of one experiment, control first.
    """
    is_rate = rows[0][c.KIND] == "rate"
    return [
        {
            "arm": row[c.ARM],
            "people": row[c.PEOPLE],
            "with outcome": row[c.CONVERTED],
            "rate" if is_rate else "mean": _mean(row[c.MEAN], is_rate=is_rate),
            "difference (95 %)": _interval(row, _DIFFERENCE, _points if is_rate else _amount)
            or _WITHOUT[row[c.STATUS]],
            "lift (95 %)": _interval(row, _LIFT, _percent),
        }
        for row in rows
    ]


def remarks(rows: Sequence[Row]) -> list[str]:
    """What a reader has to know before using the figures."""
    found = []
    if any(row[c.STATUS] == "too_few" for row in rows):
        found.append(f"Too few outcomes: each arm needs at least {MIN_OUTCOMES} people with one.")
    p_value = rows[0][c.SAMPLE_RATIO_P]
    if p_value is not None and p_value < MISMATCH_P:
        found.append(
            f"Warning: the arms are not as large as their shares (p = {p_value:.1g}). Find out why before you trust "
            "the lift."
        )
    waiting = sum(row[c.PEOPLE] - row[c.PEOPLE_DONE] for row in rows)
    if not rows[0][c.IS_FINAL]:
        ends = f"the window of {waiting:,} people is not over" if waiting else "people may still be assigned"
        found.append(f"So far: {ends}.")
    return found


_DIFFERENCE = (c.DIFFERENCE, c.DIFFERENCE_LOW, c.DIFFERENCE_HIGH)
_LIFT = (c.LIFT, c.LIFT_LOW, c.LIFT_HIGH)
_WITHOUT = {"control": "", "too_few": "too few outcomes", "measured": ""}


def _interval(row: Row, names: tuple[str, str, str], show: Callable[[float], str]) -> str:
    value, low, high = (row[name] for name in names)
    return "" if value is None else f"{show(value)} ({show(low)} to {show(high)})"


def _mean(value: float | None, *, is_rate: bool) -> str:
    if value is None:
        return ""
    return f"{value:.1%}" if is_rate else f"{value:,.2f}"


def _percent(value: float) -> str:
    return f"{value:+.1%}"


def _points(value: float) -> str:
    return f"{100 * value:+.1f} pp"


def _amount(value: float) -> str:
    return f"{value:+,.2f}"
