"""What a normalising function returns."""

from __future__ import annotations

from typing import NamedTuple


class Normal(NamedTuple):
    """A value in its normal form, or why there is none.

    Args:
        value: the normal form; beside a reason, what can be shown of the value, or None.
        reason: why the value cannot be used, such as `placeholder` or `malformed`; None where it can.
    """

    value: str | None
    reason: str | None = None

    @property
    def usable(self) -> str | None:
        """The value, None where there is a reason against it."""
        return self.value if self.reason is None else None


NOTHING = Normal(None)
"""Of a value that is not there."""
