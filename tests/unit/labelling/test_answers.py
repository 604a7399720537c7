"""Reading an answered sheet, and drawing one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from cdp_spark.errors import DataError
from cdp_spark.labelling.answers import parse_answers, read_rows
from cdp_spark.labelling.links import Label
from cdp_spark.labelling.strata import CERTAIN, SHARES, quotas, stratum_name


def row(left: str, right: str, answer: str, **more: str) -> dict[str, str]:
    return {"record_key_l": left, "record_key_r": right, "answer": answer, **more}


def test_answers_are_read_in_several_spellings() -> None:
    rows = [
        row("b", "a", " YES ", comment="same phone", model_version="3"),
        row("a", "c", "Nein"),
        row("b", "c", "?"),
        row("a", "d", ""),
        row("a", "b", "y"),
    ]
    answers = parse_answers(rows, known="abcd", where="sheet.csv")
    assert [(it.row, it.pair, it.verdict, it.model_version) for it in answers.answers] == [
        (2, ("a", "b"), "yes", 3),
        (3, ("a", "c"), "no", None),
        (4, ("b", "c"), "unsure", None),
        (6, ("a", "b"), "yes", None),
    ]
    assert answers.unanswered == 1
    assert answers.labels()[1:] == (Label(("a", "c"), "cannot_link"),)
    assert answers.count("yes") == 2


def test_malformed_answers_are_told_by_row_and_nothing_is_taken() -> None:
    rows = [
        row("a", "b", "yes"),
        row("a", "b", "no"),
        row("a", "c", "perhaps so"),
        row("a", "x", "no"),
        row("a", "a", "y"),
    ]
    with pytest.raises(DataError) as error:
        parse_answers(rows, known="abc", where="sheet.csv")
    told = str(error.value)
    for mistake in (
        "row 3: a pair that another row answers otherwise",
        "row 4: an answer that is not understood",
        "row 5: a record that the warehouse does not have",
        "row 6: a record paired with itself",
        "nothing of it was taken",
    ):
        assert mistake in told
    assert "perhaps so" not in told


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_sheet_comes_back_as_spreadsheets_save_it(spark: SparkSession, tmp_path: Path, separator: str) -> None:
    path = tmp_path / "sheet.csv"
    lines = [["record_key_l", "record_key_r", "city_l", "answer"], ["a", "b", '"York, UK"', "yes"]]
    path.write_text("\r\n".join(separator.join(line) for line in lines), encoding="utf-8-sig")
    assert read_rows(spark, path) == [row("a", "b", "yes", city_l="York, UK")]


@given(st.dictionaries(st.integers(0, CERTAIN), st.integers(1, 500)), st.integers(0, 800))
def test_quotas_give_as_many_as_there_are(counts: dict[int, int], pairs: int) -> None:
    given_out = quotas(counts, pairs)
    assert sum(given_out.values()) == min(pairs, sum(counts.values()))
    assert all(given_out[stratum] <= counts[stratum] for stratum in counts)


def test_most_pairs_are_near_the_threshold() -> None:
    full = quotas(dict.fromkeys(range(len(SHARES)), 1000), 100)
    assert full[4] == full[5] == max(full.values())
    assert min(full.values()) >= 3
    assert sum(SHARES) == pytest.approx(1.0)
    assert [stratum_name(it) for it in (0, 4, 5, 9, CERTAIN)] == [
        "below -8",
        "-1 to +0",
        "+0 to +1",
        "+8 and more",
        "deterministic",
    ]
