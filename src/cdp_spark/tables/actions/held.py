"""Other names of `tables.checkpoint`."""

from cdp_spark.tables.checkpoint import CountedFrame as Held
from cdp_spark.tables.checkpoint import checkpoint as keep
from cdp_spark.tables.checkpoint import checkpoint_and_count as hold

__all__ = ["Held", "hold", "keep"]
