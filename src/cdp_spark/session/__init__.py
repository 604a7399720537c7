"""The Spark session: found or started, with Delta always and GraphFrames where its jar can be had."""

from cdp_spark.session.builder import (
    get_project_session,
    get_session,
    is_on_this_machine,
    shuffle_partitions,
    temporary_settings,
)
from cdp_spark.session.jars import DELTA_COORDINATE, GRAPHFRAMES_COORDINATE
from cdp_spark.session.java import check_java
from cdp_spark.session.settings import SMALL_DATA, SessionSettings

__all__ = [
    "DELTA_COORDINATE",
    "GRAPHFRAMES_COORDINATE",
    "SMALL_DATA",
    "SessionSettings",
    "check_java",
    "get_project_session",
    "get_session",
    "is_on_this_machine",
    "shuffle_partitions",
    "temporary_settings",
]
