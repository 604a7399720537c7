"""A Customer Data Platform's engine: from customer records in many systems to one profile per person."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cdp_spark.version import __version__

if TYPE_CHECKING:
    from cdp_spark.api import OpenProject, open  # noqa: A004 - used as `cdp_spark.open`
    from cdp_spark.standalone.api import Matches, resolve

__all__ = ["Matches", "OpenProject", "__version__", "open", "resolve"]

_PLACES = {
    "Matches": "cdp_spark.standalone.api",
    "resolve": "cdp_spark.standalone.api",
    "OpenProject": "cdp_spark.api",
    "open": "cdp_spark.api",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - what the module offers is of many types
    """Import what is offered when it is first used, so that the command line does not wait for it."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(_PLACES[name]), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in ("pyspark", "py4j", "delta", "deltalake"):
            raise
        raise ImportError(f"cdp_spark.{name} needs Spark. Fix: pip install 'cdp-spark[spark]'") from error
