"""What is asked of a write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Write:
    """Where rows go.

    Args:
        mode: behind the others, or instead of them.
        application: of rows that are to be written once, whatever is repeated; None where repetition does no harm.
        step: of the application's writes, rising.
    """

    mode: Literal["append", "overwrite"]
    application: str | None = None
    step: int = 0

    @property
    def options(self) -> dict[str, str]:
        """Of Spark's writer."""
        return {} if self.application is None else {"txnAppId": self.application, "txnVersion": str(self.step)}
