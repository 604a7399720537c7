from __future__ import annotations

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from cdp_spark.activation.audiences.cells import cells, spreadsheet_safe_expr
from cdp_spark.config.destination import FileDestination
from cdp_spark.config.sending import SentColumn
from cdp_spark.errors import ConfigError
from cdp_spark.tables.catalog import PROFILES


def test_a_formula_gets_an_apostrophe(spark: SparkSession) -> None:
    formulas = [
        "=1+1",
        "+491",
        "-2",
        "@SUM(A1)",
        "\rx",
        "\nx",
        "\x00=1",
        "  =1",
        "\u00a0=1",
        "\u200b=1",
        "\uff1d1",
    ]
    harmless: list[str | None] = ["a=1", "1-2", "O'Neil", "me@x.org", "", " x", None]
    other_delimiters = {
        "x;=1+1": "x;'=1+1",
        ";=1": ";'=1",
        "\t=1": "'\t'=1",
        "a\tb\t @SUM(A1)": "a\tb\t '@SUM(A1)",
        "a|-2|-3": "a|'-2|'-3",
        "+4912;+4934": "'+4912;'+4934",
        "two lines\r\n=1": "two lines\r\n'=1",
        'x;"=1"': 'x;"\'=1"',
        "x, \uff1d1": "x, '\uff1d1",
        f"x{';' * 100_000}=1": f"x{';' * 100_000}'=1",
    }
    harmless += ["a; b=1", "1;2-3", "x,y@z.org", ";" * 200_000, f"x{' ' * 200_000}"]
    expected = [
        *((text, f"'{text}") for text in formulas),
        *other_delimiters.items(),
        *((text, text) for text in harmless),
    ]
    rows = spark.createDataFrame([(text,) for text, _ in expected], "text string")
    assert_df_equality(
        rows.withColumn("safe", spreadsheet_safe_expr(F.col("text"))),
        spark.createDataFrame(expected, "text string, safe string"),
    )


def test_a_template_is_as_safe_as_its_values(spark: SparkSession) -> None:
    columns = (
        SentColumn(name="greeting", template="{given_name|=you}"),
        SentColumn(name="line", template="{family_name};{given_name|=you}"),
    )
    sheet = FileDestination(
        name="out", kind="csv", segment="s", path="out", columns=columns, purpose="mail", spreadsheet_safe=True
    )
    rows = spark.createDataFrame([("=cmd()", "Ü"), ("", "Lee"), ("Jo", None)], "given_name string, family_name string")
    assert_df_equality(
        rows.select(*cells(sheet, rows)),
        spark.createDataFrame(
            [("'=cmd()", "Ü;'=cmd()"), ("'=you", "Lee;'=you"), ("Jo", None)], "greeting string, line string"
        ),
        ignore_nullable=True,
    )


def test_an_unknown_column_is_refused(spark: SparkSession) -> None:
    destination = FileDestination(
        name="out",
        kind="csv",
        segment="s",
        path="out",
        columns=tuple(SentColumn(of=it) for it in ("email", "attributes.tier", "shoe_size")),
        purpose="mail",
    )
    with pytest.raises(ConfigError, match="destination out: columns: got shoe_size; allowed: unified_id"):
        cells(destination, spark.createDataFrame([], PROFILES.schema))
