from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tests.unit.standardise.test_cleaning import BAD, GOOD, MEANINGS, TODAY

from cdp_spark import columns as c
from cdp_spark.standardise.attributes import ATTRIBUTES, with_standard_attributes
from cdp_spark.tables.catalog import RECORDS

SCHEMA = (
    "id long, Name string, born string, email string, `second mail` string, tel string, street string, no int, "
    "`place.name` string, firm string"
)


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> DataFrame:
    values = [(1, *GOOD), (2, *BAD), (3, *([None] * len(GOOD)))]
    typed = [(*row[:7], None if row[7] is None else int(str(row[7])), *row[8:]) for row in values]
    return spark.createDataFrame(typed, SCHEMA)


def _standardised(df: DataFrame) -> DataFrame:
    return with_standard_attributes(df, MEANINGS, default_region="US", as_of=TODAY)


def test_attributes_take_their_places_beside_the_other_columns(rows: DataFrame) -> None:
    cleaned = _standardised(rows)
    kept = ["id", "Name", "born", "second mail", "tel", "no", "place.name", "firm"]
    assert cleaned.columns == [*kept, *ATTRIBUTES, c.IDENTIFIERS]
    kinds = {field.name: field.dataType for field in cleaned.schema}
    assert {name: kinds[name] for name in ATTRIBUTES} == {name: RECORDS.schema[name].dataType for name in ATTRIBUTES}
    good = cleaned.where("id = 1").collect()[0]
    assert (good["no"], good["house_number"], good["birth_date"]) == (5, "5", date(1980, 3, 12))
    assert (good["city"], good["emails"], good["attributes"]) == ("Berlin", ["anna@acme.de", "a.b+x@gmail.com"], {})


def test_partitions_and_order_do_not_matter(rows: DataFrame) -> None:
    one = _standardised(rows.coalesce(1)).orderBy("id").collect()
    many = _standardised(rows.orderBy(F.desc("id")).repartition(3)).orderBy("id").collect()
    assert one == many
