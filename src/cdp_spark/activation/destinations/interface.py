"""What every destination of rows does: take a batch, and say what became of each row."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Action = Literal["add", "update", "remove", "erase"]
"""`erase` tells of a person who was erased, whether or not the destination has the row."""
FateStatus = Literal["acknowledged", "refused", "unknown", "unsent"]


@dataclass(frozen=True)
class Row:
    """A row to be sent.

    Args:
        unified_id: whose it is.
        action: what the destination is to do with it.
        key: the same each time that this very change is sent.
        values: by column; none of a row to be removed.
    """

    unified_id: str
    action: Action
    key: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Fate:
    """What became of a row.

    Args:
        status: `refused` by the destination for what it is; `unknown` where it may have arrived; `unsent` where it
            certainly was not taken, for a reason that is not the row's.
        reason: without values of a person, for messages.
        words: the destination's own, which may quote values.
        stops: whether the destination would take no other row now, either.
    """

    status: FateStatus
    reason: str = ""
    words: str = ""
    stops: bool = False


class Sender(Protocol):
    """A destination, ready to be sent to."""

    @property
    def batch_rows(self) -> int:
        """Rows that one call of `send` takes at most."""
        ...

    def send(self, batch: Sequence[Row]) -> list[Fate]:
        """Send rows that are each of another profile; returns the fate of each, in their order."""
        ...


def json_value(value: Any) -> Any:  # noqa: ANN401 - whatever a cell holds
    """Write a cell's value as JSON can hold it: times in ISO 8601 and UTC, decimals as text, maps as objects."""
    if isinstance(value, date):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [json_value(it) for it in value]
    if isinstance(value, dict):
        return {key: json_value(it) for key, it in value.items()}
    return value
