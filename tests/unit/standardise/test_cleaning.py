from __future__ import annotations

from datetime import date
from typing import get_args

import pytest
from chispa import assert_df_equality
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from tests.unit.standardise.test_text import TEXTS

from cdp_spark import columns as c
from cdp_spark.config.source import ColumnMapping, Meaning
from cdp_spark.standardise.attributes import ATTRIBUTES, with_standard_attributes
from cdp_spark.tables.catalog import RECORDS

TODAY = date(2026, 1, 31)


def from_columns(*columns: str, **settings: object) -> ColumnMapping:
    return ColumnMapping.model_validate({"from": columns, **settings})


MEANINGS: dict[Meaning, ColumnMapping] = {
    "full_name": from_columns("Name"),
    "birth_date": from_columns("born", formats=("dd/MM/yyyy",)),
    "email": from_columns("email", "second mail"),
    "phone": from_columns("tel"),
    "street": from_columns("street", "no", join=" "),
    "city": from_columns("place.name"),
    "country": ColumnMapping(value="Germany"),
    "company_name": from_columns("firm"),
}
SCHEMA = (
    "id long, Name string, born string, email string, `second mail` string, tel string, street string, no int, "
    "`place.name` string, firm string"
)
ROWS = [
    (
        1,
        "Frau Dr. ANNA VON BERG",
        "12/03/1980",
        "Anna@Acme.de",
        "a.b+x@gmail.com",
        "030 1234567",
        "Hauptstr.",
        5,
        "BERLIN",
        None,
    ),
    (2, "n/a", "30/02/1980", "none@none.com", "b@web.de; c@web.de", "0000000000", "n/a", None, "Ulm", "Acme GmbH"),
    (3, None, None, None, None, None, None, None, None, None),
]


def _standardised(df: DataFrame, region: str | None = "US") -> DataFrame:
    return with_standard_attributes(df, MEANINGS, default_region=region, as_of=TODAY)


@pytest.fixture(scope="module")
def golden(spark: SparkSession) -> list[Row]:
    return _standardised(spark.createDataFrame(ROWS, SCHEMA).coalesce(1)).collect()


def _said(row: Row) -> dict[str, object]:
    names = [name for name in ATTRIBUTES if name not in (c.ATTRIBUTES,)]
    return {name: row[name] for name in names if row[name] not in (None, [])}


def test_a_good_row(golden: list[Row]) -> None:
    assert golden[0]["id"] == 1
    assert _said(golden[0]) == {
        "given_name": "Anna",
        "family_name": "von Berg",
        "full_name": "Anna von Berg",
        "birth_date": date(1980, 3, 12),
        "email": "anna@acme.de",
        "phone": "+49301234567",
        "domain": "acme.de",
        "street": "Hauptstr.",
        "house_number": "5",
        "city": "Berlin",
        "country": "DE",
        "emails": ["anna@acme.de", "a.b+x@gmail.com"],
        "phones": ["+49301234567"],
    }


def test_a_bad_row(golden: list[Row]) -> None:
    assert _said(golden[1]) == {
        "email": "b@web.de",
        "emails": ["b@web.de", "c@web.de"],
        "city": "Ulm",
        "country": "DE",
        "company_name": "Acme GmbH",
        "company_core": "acme",
        "value_issues": [
            "full_name:placeholder",
            "birth_date:malformed",
            "email:placeholder",
            "phone:placeholder",
        ],
    }


def test_a_row_without_values(golden: list[Row]) -> None:
    assert _said(golden[2]) == {"country": "DE"}


def test_identifiers_of_a_row(golden: list[Row]) -> None:
    found = [(item.type, item.value, item.reason) for item in golden[0][c.IDENTIFIERS] if item is not None]
    kinds = [kind for kind, _, _ in found]
    assert kinds == ["email", "email_sha256", "email", "email_sha256", "email_sha256", "phone"]
    assert [value for kind, value, _ in found if kind == "email"] == ["anna@acme.de", "ab@gmail.com"]
    bad = {(item.type, item.value, item.reason) for item in golden[1][c.IDENTIFIERS] if item and item.reason}
    assert bad == {("email", "none@none.com", "placeholder"), ("phone", "0000000000", "placeholder")}


def test_the_columns_are_the_tables(spark: SparkSession) -> None:
    rows = _standardised(spark.createDataFrame([], SCHEMA))
    kept = ["id", "Name", "born", "second mail", "tel", "no", "place.name", "firm"]
    assert rows.columns == [*kept, *ATTRIBUTES, c.IDENTIFIERS]
    kinds = {field.name: field.dataType for field in rows.schema}
    assert {name: kinds[name] for name in ATTRIBUTES} == {name: RECORDS.schema[name].dataType for name in ATTRIBUTES}


def test_no_meaning_at_all(spark: SparkSession) -> None:
    rows = with_standard_attributes(spark.createDataFrame([(1,)], "id long"), {}, default_region=None, as_of=TODAY)
    assert _said(rows.collect()[0]) == {}


ONE_OF_EACH: dict[Meaning, str] = {
    "family_name": "VON BERG jr.",
    "name_suffix": "PhD",
    "full_name": "Dr. ANNA BERG",
    "birth_date": "1980-02-30",
    "gender": "Frau",
    "email": "Anna@Acme.de",
    "phone": "030 1234567",
    "unit": "apt 4b",
    "postcode": "sw1a1aa",
    "address": "5 High St, Leeds LS1 4AP, UK",
    "national_id": "12",
    "domain": "https://www.acme.de/shop",
    "employees": "51-200",
}


@pytest.mark.parametrize(
    "known",
    [
        ("full_name",),
        ("family_name", "national_id", "address"),
        ("name_suffix", "postcode", "employees"),
        ("email", "gender", "unit"),
        ("birth_date", "phone", "domain"),
    ],
    ids="-".join,
)
def test_a_meaning_without_a_column_is_one_that_is_always_null(spark: SparkSession, known: tuple[Meaning, ...]) -> None:
    cells = {meaning: ONE_OF_EACH[meaning] if meaning in known else None for meaning in get_args(Meaning)}
    rows = spark.createDataFrame(
        [tuple(cells.values())], ", ".join(f"`{name} column` string" for name in cells)
    ).coalesce(1)
    of_all: dict[Meaning, ColumnMapping] = {meaning: from_columns(f"{meaning} column") for meaning in cells}
    of_known = {meaning: of_all[meaning] for meaning in known}
    narrow, wide = (
        with_standard_attributes(rows, meanings, default_region="DE", as_of=TODAY).collect()[0].asDict(recursive=True)
        for meanings in (of_known, of_all)
    )
    for row in (narrow, wide):
        row[c.IDENTIFIERS] = [found for found in row[c.IDENTIFIERS] if found is not None]
    assert narrow == wide
    assert any(narrow[name] for name in ATTRIBUTES)


TEXT_MEANINGS: tuple[Meaning, ...] = (
    "given_name",
    "family_name",
    "gender",
    "email",
    "phone",
    "street",
    "city",
    "postcode",
    "country",
    "company_name",
)


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.tuples(*[TEXTS] * len(TEXT_MEANINGS)), min_size=30, max_size=60))
def test_standardising_twice_changes_nothing(spark: SparkSession, texts: list[tuple[str, ...]]) -> None:
    meanings: dict[Meaning, ColumnMapping] = {meaning: from_columns(meaning) for meaning in TEXT_MEANINGS}
    rows = spark.createDataFrame(
        [(at, *row) for at, row in enumerate(texts)],
        "id long, " + ", ".join(f"{name} string" for name in TEXT_MEANINGS),
    ).coalesce(1)
    once = with_standard_attributes(rows, meanings, default_region="DE", as_of=TODAY).select("id", *TEXT_MEANINGS)
    kept = spark.createDataFrame(once.collect(), once.schema).coalesce(1)
    twice = with_standard_attributes(kept, meanings, default_region="DE", as_of=TODAY).select("id", *TEXT_MEANINGS)
    assert_df_equality(twice, kept, ignore_nullable=True)


def test_partitions_and_order_do_not_matter(spark: SparkSession) -> None:
    rows = spark.createDataFrame(ROWS, SCHEMA)
    one = _standardised(rows.coalesce(1)).orderBy("id").collect()
    many = _standardised(rows.orderBy(F.desc("id")).repartition(3)).orderBy("id").collect()
    assert one == many
