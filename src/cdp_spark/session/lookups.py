"""Remember what py4j asks Java for at every call of a function of `pyspark.sql.functions`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_FUNCTIONS = "org.apache.spark.sql.functions"


def remember_lookups(spark: SparkSession) -> None:
    """Ask once per name, not once per call.

    `F.lower(x)` asks Java what `org.apache.spark.sql.functions` is, then what its member `lower` is, and only then
    calls it. Of the 21,000 messages with which `cdp resolve` makes its expressions, 6,600 were such questions.
    """
    jvm = spark.sparkContext._jvm
    if jvm is not None and _FUNCTIONS not in vars(jvm):
        setattr(jvm, _FUNCTIONS, _Remembered(getattr(jvm, _FUNCTIONS)))


class _Remembered:
    """A Java class whose static members are looked up once; py4j finds a member that is set without asking."""

    def __init__(self, java_class: object) -> None:
        self._java_class = java_class

    def __getattr__(self, name: str) -> object:
        member = getattr(self._java_class, name)
        setattr(self, name, member)
        return member
