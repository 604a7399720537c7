"""What identifies a row, and cells that hold no value."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from cdp_spark.cli.main import app
from cdp_spark.errors import ConfigError, DataError
from cdp_spark.standalone.cells import repair, tell_damage
from cdp_spark.standalone.keys import RECORD_ID, Texts, find_ids, key_rows, tell_ids

PEOPLE = [("Ann", "Lee"), ("Bob", "Ray"), ("Cyd", "Fox"), ("Dee", "Orr"), ("Eli", "Poe")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\\N", None),
        ("NULL", None),
        ("Null", "Null"),
        ("#NAME?", None),
        ("#REF!", None),
        ("########", None),
        ("#12", "#12"),
        ("4.47701E+11", None),
        ("4,47701E+11", None),
        ("4.47701234502E+11", "447701234502"),
        ("1.5E+03", "1.5E+03"),
        ("4e12", "4e12"),
        ("7E10", "7E10"),
        ("447701234502.0", "447701234502"),
        ("1.234,50", "1234.50"),
        ("12,5", "12.5"),
        ("1,234", "1,234"),
        ("1,2,3", "1,2,3"),
        ('="0012"', "0012"),
        ("O'Dowd", "O'Dowd"),
        (None, None),
    ],
)
def test_a_cell_is_its_value_or_nothing(text: str | None, expected: str | None) -> None:
    assert repair(pa.chunked_array([pa.array([text, "x"])])).to_pylist() == [expected, "x"]


def test_what_cells_have_lost_is_counted() -> None:
    rows = pa.table({"phone": ["4.47E+11", "4.47E+11", "#NAME?"], "city": ["K\ufffdln", "\\N", None]})
    told = list(tell_damage(rows))
    assert [line.rsplit(": ", 1)[1] for line in told] == ["1 in city", "1 in phone", "2 in phone", "1 in city"]
    assert "4.47E+11" in told[2]
    assert "U+FFFD" in told[3]


def test_ids_are_columns_by_name_in_any_case_or_several() -> None:
    names = ["Order", "Line", "a,b", "customer.id"]
    assert find_ids(names, "f", "Order") == ("Order",)
    assert find_ids(names, "f", "order,line") == ("Order", "Line")
    assert find_ids(names, "f", "a,b") == ("a,b",)
    assert find_ids(names, "f", "customer_id") == ("customer.id",)
    assert find_ids(names, "f", None) == ()
    with pytest.raises(ConfigError, match=r"no column nr; allowed: Order, Line.*or leave --id out"):
        find_ids(names, "f", "nr")
    with pytest.raises(ConfigError, match=r"looks like a record.*put a line") as refused:
        find_ids(["1", "Ann", "ann@x.org"], "f", "nr")
    assert "ann@x.org" not in str(refused.value)


def test_rows_without_an_id_are_numbered_but_not_empty_ones_nor_a_reports_last_lines() -> None:
    cells = [["a", "b", "c"], ["", "", ""], ["d", "e", "f"], ["g", "", ""], ["h", "i", "j"], ["Total 4", "", ""]]
    table = pa.table([list(column) for column in zip(*cells, strict=True)], names=["x", "y", "z"])
    rows, left_out = key_rows(Texts("s", "s", table, {}), (), None)
    assert rows[RECORD_ID].to_pylist() == ["1", "3", "4", "5"]
    assert left_out == {"no_record": 2}


def test_a_reports_last_lines_are_no_records() -> None:
    cells = [["1", "Ann", "Lee"], ["2", "Bob", ""], ["3", "", ""], ["Grand Totals (3)", "", ""], ["", "", ""]]
    table = pa.table([list(column) for column in zip(*cells, strict=True)], names=["id", "x", "y"])
    table = pa.concat_tables([table.slice(0, 1)] * 3 + [table])
    rows, left_out = key_rows(Texts("s", "s", table, {}), ("id",), None)
    assert rows[RECORD_ID].to_pylist() == ["1", "1", "1", "1", "2", "3"]
    assert left_out == {"no_record": 1, "null_key": 1}


def test_several_columns_are_one_id() -> None:
    table = pa.table({"a": ["1", "1|2", "", None], "b": ["2|3", "3", "x", ""]})
    rows, left_out = key_rows(Texts("s", "s", table, {}), ("a", "b"), None)
    assert rows[RECORD_ID].to_pylist() == [r"1|2\|3", r"1\|2|3", "|x"]
    assert left_out == {"null_key": 1}


def test_ids_that_a_spreadsheet_shortened_are_told_and_refused_where_rows_share_one() -> None:
    told = list(tell_ids(pa.table({"id": ["7.21E+12", "7.22E+12", "5"]}), ("id",)))
    assert "2 ids of id are in scientific notation" in told[-1]
    with pytest.raises(DataError, match=r"2 ids in scientific notation.*Fix: export it anew.*or leave --id out"):
        list(tell_ids(pa.table({"id": ["7.21E+12", "7.21E+12", "5"]}), ("id",)))


def _resolve(folder: Path, rows: list[list[str]], *options: str) -> tuple[dict[str, object], dict[str, str]]:
    path, out = folder / "orders.csv", folder / "out.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    command = ["resolve", str(path), *options, "--out", str(out), "--json"]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    with out.open(encoding="utf-8") as file:
        return json.loads(done.stdout), {row["record_id"]: row["cluster_id"] for row in csv.DictReader(file)}


def _orders() -> list[list[str]]:
    """Two orders a person, of three lines; on the last the person is left out, as some shops do."""
    rows = [["Order", "First name", "Last name", "Email", "SKU", "Quantity"]]
    for at, (first, last) in enumerate(PEOPLE * 2):
        person = [first, last, f"{first}.{last}@x.org".lower()]
        rows += [[str(at), *(person if line < 3 else [""] * 3), f"sku-{line}", str(line)] for line in (1, 2, 3)]
    return rows


def test_the_lines_of_an_order_are_one_record(tmp_path: Path) -> None:
    facts, clusters = _resolve(tmp_path, _orders(), "--id", "Order")
    assert facts["records"] == 10
    assert all(clusters[str(at)] == clusters[str(at + 5)] for at in range(5))
    assert len(set(clusters.values())) == 5
    assert any("30 rows are lines of 10 records" in note and "Quantity, SKU" in note for note in facts["notes"])  # type: ignore[attr-defined]


def test_ids_of_different_people_are_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"3 ids that stand on more than one row, and First name.*--id 'order,line'"):
        _resolve(tmp_path, _orders(), "--id", "SKU")


def test_without_id_rows_are_numbered(tmp_path: Path) -> None:
    rows = [row for row in _orders() if row[4] in ("SKU", "sku-1")]
    facts, clusters = _resolve(tmp_path, rows)
    assert sorted(clusters, key=int) == [str(number) for number in range(1, 11)]
    assert all(clusters[str(number)] == clusters[str(number + 5)] for number in range(1, 6))
    assert any("number of the row" in note for note in facts["notes"])  # type: ignore[attr-defined]
