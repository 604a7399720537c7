"""A Customer Data Platform's engine: from customer records in many systems to one profile per person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdp_spark.version import __version__

if TYPE_CHECKING:
    from cdp_spark.standalone.api import Matches, resolve

__all__ = ["Matches", "__version__", "resolve"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - what the module offers is of many types
    """Import `resolve` when it is first used, so that the command line does not wait for it."""
    if name not in ("Matches", "resolve"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cdp_spark.standalone import api  # noqa: PLC0415 - only where it is asked for

    return getattr(api, name)
