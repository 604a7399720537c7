"""When records that were cleaned on one day would be cleaned in the same way on a later one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import cast
from uuid import UUID

import pytest
from pyspark.sql import DataFrame, SparkSession

from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.standardise.clock import holds_for_records
from cdp_spark.tables.run import Basis, RunContext
from cdp_spark.tables.spec import TableSpec
from cdp_spark.tables.store import Store

FRIDAY, SATURDAY = (datetime(2026, 11, day, 2, tzinfo=UTC) for day in (27, 28))


@dataclass
class Records:
    spark: SparkSession
    born: date

    def open_local(self, _: TableSpec) -> None:
        """A table that only Spark reads."""

    def read(self, _: TableSpec) -> DataFrame:
        return self.spark.createDataFrame([(self.born,), (None,)], "birth_date date")


def holds(store: object, now: datetime = SATURDAY, *, time_zone: str = "UTC", **figures: float) -> bool:
    settings = ProjectSettings(name="a", namespace=UUID(int=1), warehouse=Warehouse(path="w"), time_zone=time_zone)
    project = Project(folder=".", settings=settings, sources=(), match=MatchConfig(), config_hash="-")
    basis = Basis(1, FRIDAY, {}, {}, {name.replace("__", "."): value for name, value in figures.items()})
    return holds_for_records(RunContext(cast("Store", store), project, "run-2", 2, now), basis)


@pytest.mark.parametrize(
    ("born", "same"),
    [
        (date(1980, 11, 28), True),
        (date(1926, 11, 28), False),  # `28.11.26` means 2026 from this day on
        (date(1926, 11, 29), True),
        (date(1906, 11, 27), False),  # 120 years old the day before
        (date(1906, 11, 29), True),
    ],
)
def test_a_birth_date_may_be_read_in_another_way_on_the_next_day(
    spark: SparkSession, born: date, *, same: bool
) -> None:
    assert holds(Records(spark, born)) == same


def test_a_birth_date_in_the_future_may_have_come() -> None:
    assert not holds(None, crm__birth_date__future=1.0)


def test_a_birth_date_that_is_too_old_stays_so(spark: SparkSession) -> None:
    assert holds(Records(spark, date(1980, 1, 1)), crm__birth_date__future=0.0, crm__birth_date__too_old=3.0)


def test_another_time_of_the_same_day_changes_nothing() -> None:
    later = FRIDAY.replace(hour=4)  # both are Thursday evening in New York
    assert holds(None, later, time_zone="America/New_York", crm__birth_date__future=1.0)
