"""Expressions: errors, types, Columns."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from cdp_spark.config.checks.vocabulary import PROFILE_COLUMNS
from cdp_spark.config.expressions import Scope, check_expression, parse_expression, referenced_columns, render
from cdp_spark.config.expressions.calls import CALLS
from cdp_spark.config.expressions.compile import compile_expression, kinds_of
from cdp_spark.config.expressions.functions import FUNCTIONS
from cdp_spark.config.expressions.references import asks_clock
from cdp_spark.errors import ConfigError, ContractError, InvalidProjectError

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)

MISTAKES = {
    "country = 'NL' adn city = 'X'": (
        "e at 1:16: got 'adn'; allowed: and, or, a comparison or the end. Fix: write 'and'"
    ),
    "a < b < c": "e at 1:7: got '<'; allowed: and, or or the end. Fix: join comparisons with and",
    "city == 'X'": "e at 1:7: got '='; allowed: a column, a value, a function or (. Fix: write a single =",
    "city = 'X": "e at 1:8: got a text that does not end. Fix: close it with ' and write '' for a ' inside",
    'city = "X"': "e at 1:8: got a double quote. Fix: put text in single quotes; a column needs none",
    "consents.email": (
        "e at 1:9: got a dot. Fix: write trait.name for a trait, score.name for a score, "
        "offer.1.product_id for an offer, account.name for a column of the account, attribute('name') for an own "
        "attribute, has_consent('purpose') for a consent"
    ),
    "city = null": "e at 1:8: got 'null'; allowed: is null, is not null. Fix: compare with is null",
    "city in ()": "e at 1:10: got an empty list; allowed: at least one value",
    "city like 'x\\'": r"e at 1:11: got a lone \; allowed: \%, \_ and \\. Fix: write \\ for a backslash",
    f"city like '{'%a' * 501}'": "e at 1:11: got a pattern of 1002 characters; allowed: at most 1000",
    "birth_date > date '2026-02-30'": (
        "e at 1:19: got a text that is no date; allowed: date 'YYYY-MM-DD'. Fix: write the day in full"
    ),
    "birth_date > '2026-02-01'": (
        "e at 1:12: got a comparison of a date and a text; allowed: values of one type. Fix: write date 'YYYY-MM-DD'"
    ),
    "attribute('score') > 5": (
        "e at 1:20: got a comparison of a text and a whole number; allowed: values of one type. "
        "Fix: convert with to_number"
    ),
    "has_consent('emial_marketing')": (
        "e at 1:13: got unknown purpose 'emial_marketing'; allowed: email_marketing, profiling. "
        "Fix: choose one of these (did you mean 'email_marketing'?)"
    ),
    "attribute(city) = 'x'": "e at 1:11: got an expression; allowed: a constant",
    "birth_date + 3 hours > today()": (
        "e at 1:12: got a date + an interval; allowed: number + - * / % number, date or time + - interval, "
        "date - date. Fix: write days, weeks, months or years"
    ),
    "lower(city, city) = 'x'": "e at 1:1: got lower with 2; allowed: 1 argument",
    "city": "e at 1:1: got a text; allowed: a condition",
    "employees and true": "e at 1:1: got a whole number; allowed: a condition",
    "round(revenue, 10) > 1": "e at 1:16: got 10; allowed: 0 to 9 decimals",
    "emails = 'x'": (
        "e at 1:8: got a comparison of a list and a text; allowed: values of one type. "
        "Fix: write contains(list, 'value') or size(list)"
    ),
    "city = 'x'\n  or cty = 'y'": (
        f"e at 2:6: got unknown column 'cty'; allowed: {', '.join(PROFILE_COLUMNS)}. "
        "Fix: choose one of these (did you mean 'city'?)"
    ),
    "reflect('java.lang.System', 'getenv')": (
        f"e at 1:1: got unknown function 'reflect'; allowed: {', '.join(FUNCTIONS)}. Fix: choose one of these"
    ),
    "city in (select city from other)": "e at 1:17: got 'city'; allowed: ')'",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes_say_where_what_and_how_to_fix(text: str) -> None:
    scope = Scope(text, "e", PROFILE_COLUMNS, purposes=["email_marketing", "profiling"])
    check_expression(text, scope)
    assert [str(mistake) for mistake in scope.mistakes] == [MISTAKES[text]]


def test_all_names_that_are_wrong_are_reported_at_once() -> None:
    with pytest.raises(InvalidProjectError) as caught:
        compile_expression("cty = 'x' and contry = 'y' and lowr(city) = 'z'", columns=PROFILE_COLUMNS, now=NOW)
    assert [error.got for error in caught.value.errors] == [
        "unknown column 'cty'",
        "unknown column 'contry'",
        "unknown function 'lowr'",
    ]


def test_a_mistake_never_shows_a_text_value() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_expression("email = 'jane@example.com' 'other@example.com'")
    assert "example.com" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["(" * 10_000, "not " * 10_000, "-" * 10_000 + "1", "lower(" * 8_000, "1" + "+1" * 999]
)
def test_depth_is_limited(text: str) -> None:
    with pytest.raises(ConfigError, match="more than"):
        parse_expression(text)


def test_the_deepest_tree_can_be_walked() -> None:
    text = "city"
    for _ in range(22):
        text = f"({text} + 1 + 1 = 1 and city = 'x' or true)"
    tree = parse_expression(text)
    assert parse_expression(render(tree)) == tree
    check_expression(text, Scope(text, "e", PROFILE_COLUMNS))


def test_referenced_columns_see_through_functions() -> None:
    text = "lower(city) = 'x' and has_consent('email_marketing') and attribute('tier') in ('a', country)"
    assert referenced_columns(text) == {"city", "consents", "attributes", "country"}


def test_every_function_has_a_column() -> None:
    assert CALLS.keys() == FUNCTIONS.keys()


def test_a_clock_needs_a_time_zone() -> None:
    with pytest.raises(ContractError, match="time zone"):
        compile_expression("true", columns={}, now=dt.datetime(2026, 1, 1))  # noqa: DTZ001


SCHEMA = T.StructType(
    [
        T.StructField("id", T.IntegerType()),
        T.StructField("city", T.StringType()),
        T.StructField("birth_date", T.DateType()),
        T.StructField("seen", T.TimestampType()),
        T.StructField("revenue", T.DoubleType()),
        T.StructField("orders", T.LongType()),
        T.StructField("emails", T.ArrayType(T.StringType())),
        T.StructField("attributes", T.MapType(T.StringType(), T.StringType())),
        T.StructField("consents", T.MapType(T.StringType(), T.StringType())),
        T.StructField("binary", T.BinaryType()),
    ]
)


@pytest.fixture(scope="module")
def people(spark: SparkSession) -> DataFrame:
    seen = dt.datetime(2026, 2, 27, 13, tzinfo=dt.UTC)
    rows = [
        (1, "Ede", dt.date(2000, 3, 1), seen, 10.5, 3, ["a@x.com"], {"tier": "7"}, {"mail": "granted"}, None),
        (2, "ede%", dt.date(2000, 3, 2), NOW, -2.5, 0, [], {"tier": "gold"}, {"mail": "denied"}, None),
        (3, None, None, None, None, None, None, None, None, None),
    ]
    return spark.createDataFrame(rows, SCHEMA).cache()


VALUES: dict[str, list[object]] = {
    "lower(city) = 'ede'": [True, False, None],
    "city like '%\\%'": [False, True, None],
    "city not ilike 'ED_'": [False, True, None],
    f"'{'a' * 2_000}' ilike '{'%A' * 100}%b'": [False] * 3,  # would be tried for years if each % were tried again
    "not city = 'Ede'": [False, True, None],
    "city is null or city = 'Ede'": [True, False, True],
    "city = 'Ede' and orders > 100": [False, False, None],
    "age_years(birth_date)": [26, 25, None],
    "days_since(seen)": [1, 0, None],
    "days_since(birth_date)": [9496, 9495, None],
    "seen >= now() - 36 hours": [False, True, None],
    "seen > birth_date": [True, True, None],
    "birth_date + 1 month between date '2000-04-01' and date '2000-04-01'": [True, False, None],
    "today() - birth_date": [9496, 9495, None],
    "year(birth_date) * 100 + month(birth_date)": [200003, 200003, None],
    "day(seen)": [27, 1, None],
    "orders / 0": [None, None, None],
    "orders % 2 = 1": [True, False, None],
    "orders * 999999999999999999 * orders * orders": [None, 0, None],
    "-orders": [-3, 0, None],
    "abs(round(revenue))": [11.0, 3.0, None],
    "orders in (3, 4.5)": [True, False, None],
    "coalesce(orders, -1)": [3, 0, -1],
    "contains(emails, 'a@x.com')": [True, False, None],
    "contains(city, 'd')": [True, True, None],
    "starts_with(city, 'E') or ends_with(city, '%')": [True, True, None],
    "length(trim(upper(city)))": [3, 4, None],
    "size(emails)": [1, 0, None],
    "has_consent('mail')": [True, False, False],
    "not has_consent('sms')": [True, True, True],
    "attribute('tier')": ["7", "gold", None],
    "to_number(attribute('tier')) > 5": [True, None, None],
    "to_number('405,93')": [405.93] * 3,
    "to_number('1.234,56') + to_number('1,234.56') + to_number('-1.234.567,5')": [-1232098.38] * 3,
    "to_number('1,234') - to_number('1.234')": [1232.766] * 3,
    "to_number('1.234.567') - to_number('1,234,567')": [0.0] * 3,
    "to_number('0,125') + to_number(' 7 ') + to_number('1 234,5')": [1241.625] * 3,
    "coalesce(to_number('1,23,4'), to_number('12 34'), to_number('1.2.3'), -1)": [-1.0] * 3,
    "to_date(attribute('tier')) is null": [True, True, True],
    "attribute('none')": [None, None, None],
}


@pytest.fixture(scope="module")
def computed(people: DataFrame) -> list[dict[str, object]]:
    """All expressions in one job."""
    columns = {field.name: field.dataType for field in SCHEMA}
    compiled = [
        compile_expression(text, columns=columns, now=NOW, returns=None).alias(f"v{index}")
        for index, text in enumerate(VALUES)
    ]
    return [row.asDict() for row in people.orderBy("id").select(*compiled).collect()]


@pytest.mark.parametrize("index", range(len(VALUES)), ids=list(VALUES))
def test_values(computed: list[dict[str, object]], index: int) -> None:
    assert [row[f"v{index}"] for row in computed] == list(VALUES.values())[index]


def test_null_is_not_a_member(people: DataFrame, spark: SparkSession) -> None:
    columns = {field.name: field.dataType for field in SCHEMA}
    members = people.filter(compile_expression("not (city = 'Ede')", columns=columns, now=NOW)).select("id")
    assert_df_equality(members, spark.createDataFrame([(2,)], "id int"))


def test_long_lists_compile(people: DataFrame) -> None:
    text = f"orders in ({', '.join(map(str, range(3, 2_000)))}) or orders = 0"
    assert people.filter(compile_expression(text, columns={"orders": "long"}, now=NOW)).count() == 2


def test_conditions_are_limited() -> None:
    with pytest.raises(ConfigError, match="more than 200 conditions"):
        parse_expression(" or ".join(["city = 'x'"] * 1_000))


def test_columns_of_other_types_cannot_be_named() -> None:
    assert "binary" not in kinds_of({field.name: field.dataType for field in SCHEMA})


IN_AUCKLAND: dict[str, object] = {
    "today()": dt.date(2026, 11, 21),
    "now()": dt.datetime(2026, 11, 20, 20, tzinfo=dt.UTC),
    "at >= today()": True,
    "at - 1 minutes >= today()": False,
    "at between today() and date '2026-11-22'": True,
    "day(at) = 21 and month(at) = 11": True,
    "at in (date '2026-11-21')": True,
    "coalesce(at, today()) = date '2026-11-21'": True,
    "at - 60 days": dt.datetime(2026, 9, 21, 12, tzinfo=dt.UTC),  # midnight before the clocks change is midnight
    "at - 1440 hours": dt.datetime(2026, 9, 21, 11, tzinfo=dt.UTC),
    "at - 2 months": dt.datetime(2026, 9, 20, 12, tzinfo=dt.UTC),
    "age_years(date '1971-11-21')": 55,
}


def test_a_day_is_one_of_the_projects_time_zone(spark: SparkSession) -> None:
    now = dt.datetime(2026, 11, 20, 20, tzinfo=dt.UTC).astimezone(ZoneInfo("Pacific/Auckland"))
    rows = spark.createDataFrame([(dt.datetime(2026, 11, 20, 11, tzinfo=dt.UTC),)], "at timestamp")
    compiled = [
        compile_expression(text, columns={"at": "timestamp"}, now=now, returns=None).alias(f"v{index}")
        for index, text in enumerate(IN_AUCKLAND)
    ]

    found = list(rows.select(*compiled).collect()[0])

    told = [it.astimezone(dt.UTC) if isinstance(it, dt.datetime) else it for it in found]
    assert dict(zip(IN_AUCKLAND, told, strict=True)) == IN_AUCKLAND


@pytest.mark.parametrize("text", ["days_since(a) > 3", "age_years(a) < 18", "a < today() - 30 days", "not (a = now())"])
def test_an_expression_asks_the_clock(text: str) -> None:
    assert asks_clock(text)


@pytest.mark.parametrize("text", ["year(a) = 2026", "a < to_date('2026-01-01')", "has_consent('now')", "a = 'today'"])
def test_an_expression_does_not_ask_the_clock(text: str) -> None:
    assert not asks_clock(text)
