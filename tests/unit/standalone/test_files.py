"""Files into this process, up to its limits."""

import gzip
import io
import json
import zipfile
from datetime import datetime
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from cdp_spark.cli.main import app
from cdp_spark.errors import ConfigError, DataError
from cdp_spark.ingest.reading import delimited
from cdp_spark.standalone import files
from cdp_spark.standalone.files import TooLargeError, name_inputs, read_inputs


def test_sources_are_named_after_their_files() -> None:
    found = name_inputs(["a/Kunden 2024.csv", "b/kunden-2024.csv.gz", "2024.jsonl", "t.tsv"])
    assert [it.name for it in found] == ["kunden_2024", "kunden_2024_2", "file_2024", "t"]


HEADER = ["Nr", "Vorname", "Ort", "Wert"]
ROWS = [["1", "Änne", "Köln", "1,5"], ["2", "Jörg", "Gera; Stadt", "2,25"], ["3", "Zoë", "", "3,0"]]


def _text(delimiter: str = ",", end: str = "\n") -> str:
    cells = [[f'"{cell}"' if delimiter in cell else cell for cell in row] for row in [HEADER, *ROWS]]
    return end.join([delimiter.join(row) for row in cells]) + end


def _zipped(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, _text())
    return packed.getvalue()


def _parquet() -> bytes:
    written = io.BytesIO()
    pq.write_table(pa.table([[row[at] for row in ROWS] for at in range(4)], names=HEADER), written)
    return written.getvalue()


def _workbook() -> bytes:
    book, written = openpyxl.Workbook(), io.BytesIO()
    book.active.title = "Deckblatt"
    sheet = book.create_sheet("Kunden")
    for row in [["Kundenliste"], [], HEADER, *ROWS, []]:
        sheet.append(row)
    book.save(written)
    return written.getvalue()


OBJECTS = [dict(zip(HEADER, row, strict=True)) for row in ROWS]
WRITTEN: dict[str, bytes] = {
    "semicolons": _text(";").encode(),
    "Windows-1252": _text(";").encode("cp1252"),
    "Mac Roman with CR": _text(";", "\r").encode("mac_roman"),
    "MS-DOS": _text(";", "\r\n").encode("cp850"),
    "UTF-8 with mark": b"\xef\xbb\xbf" + _text().encode(),
    "UTF-16 with mark": _text("\t").encode("utf-16"),
    "UTF-16 without mark": _text("\t", "\r\n").encode("utf-16-be"),
    "sep=": b"sep=|\n" + _text("|").encode(),
    "lines before the header": b'Customers,,,\n"as of 20.11.2026, 9:14"\n\n' + _text().encode(),
    "packed": gzip.compress(_text().encode()),
    "zip": _zipped("__MACOSX/._kunden.csv", "export/kunden.csv"),
    "Parquet": _parquet(),
    "workbook": _workbook(),
    "array": json.dumps(OBJECTS, indent=1).encode(),
    "lines": "\n".join(map(json.dumps, OBJECTS)).encode(),
    "envelope": json.dumps({"meta": {"pages": [1, 2]}, "data": {"customers": OBJECTS}}).encode(),
    "arrays": json.dumps([HEADER, *ROWS]).encode(),
    "apostrophes": "\n".join(",".join(f"'{cell}'" for cell in row) for row in [HEADER, *ROWS]).encode(),
}


@pytest.mark.parametrize("written", WRITTEN)
def test_a_file_is_read_whatever_it_is_called(tmp_path: Path, written: str) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(WRITTEN[written])
    [texts] = read_inputs(name_inputs([str(path)]))
    rows = [[cell or "" for cell in row.values()] for row in texts.rows.to_pylist()]
    assert texts.rows.column_names == HEADER
    assert rows == ROWS
    assert not texts.rejected
    assert texts.notes


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (_zipped("a.csv", "b.csv"), r"a zip of 2 files \(a.csv, b.csv\).*Fix: unpack it and name the files"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "the old kind.*Fix: save it as .xlsx"),
        (b"%PDF-1.7", "a PDF"),
        (b"<!DOCTYPE html><table>", "HTML.*Fix: open it in a spreadsheet"),
        (b"\xd0\xcf\x11\xe0" + bytes(64) + "EncryptedPackage".encode("utf-16-le"), "a password.*Fix: open it and save"),
        (b"BEGIN:VCARD\nVERSION:3.0\n", "vCards.*address book"),
        (b"INSERT INTO people VALUES (1, 'Ann');\n", "SQL statements.*Fix: load them"),
        (_zipped("mimetype", "content.xml"), "an OpenDocument sheet.*Fix: save it as .xlsx"),
        (_zipped("[Content_Types].xml", "word/document.xml"), r"a document \(.docx\).*Fix: copy its table"),
        (bytes(range(256)) * 9, "no text"),
        (b"\x7fELF\0\x01\0\0\0\0\x02\x02\x02\x02", "no text"),
        (_workbook()[:900], "cannot be read|a zip"),
        (b"", "an empty file"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(data)
    with pytest.raises(DataError, match=message):
        read_inputs(name_inputs([str(path)]))


def test_a_zip_that_unpacks_to_more_than_memory_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "in_process_text_bytes", lambda: 100_000)
    path = tmp_path / "people.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("people.csv", _text() + "0" * 1_000_000)
    with pytest.raises(TooLargeError, match="more than this process can match"):
        read_inputs(name_inputs([str(path)]))


def test_a_line_without_an_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "LINE_CHARACTERS", 5_000_000)
    path = tmp_path / "people.csv.gz"
    path.write_bytes(gzip.compress(_text().encode() + b"0" * 13_000_000, 1))
    with pytest.raises(DataError, match=r"people.csv.gz: got a line of more than 5,000,000 characters. Fix: check"):
        read_inputs(name_inputs([str(path)]))


def test_stray_zero_bytes_are_no_reason_to_refuse_a_text(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(_text().replace("Gera", "Ge\0ra").encode() * 9)
    [texts] = read_inputs(name_inputs([str(path)]))
    assert texts.rows.column_names == HEADER


def test_options_decide_over_what_is_found(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes("a,b;c\nid;n,m\n1;Łódź,x\n".encode("cp1250"))
    options = {"encoding": "cp1250", "delimiter": ";", "skipLines": "1"}
    [texts] = read_inputs(name_inputs([str(path)], options))
    assert texts.rows.to_pylist() == [{"id": "1", "n,m": "Łódź,x"}]
    command = ["resolve", str(path), "--delimiter", "::"]
    with pytest.raises(ConfigError, match="--delimiter"):
        CliRunner().invoke(app, command, catch_exceptions=False)
    with pytest.raises(ConfigError, match="--encoding"):
        CliRunner().invoke(app, ["resolve", str(path), "--encoding", "utf8000"], catch_exceptions=False)


def test_rows_that_leave_out_their_last_cells_are_read_where_many_do(tmp_path: Path) -> None:
    rows = ["1,Ann,Ulm,x", "2,Bob", '3,"Cy, Jr.",Ulm', "4,Di,,", "5", '6,"Ed",Ulm,x', "7,Flo,Ulm,x,,", "8,G,U,x,y"]
    (tmp_path / "few.csv").write_text("\n".join(["id,name,city,note", *rows]) + "\n", encoding="utf-8")
    [texts] = read_inputs(name_inputs([str(tmp_path / "few.csv")]))
    assert texts.rows["id"].to_pylist() == list("123467")
    assert texts.rows["name"].to_pylist() == ["Ann", "Bob", "Cy, Jr.", "Di", "Ed", "Flo"]
    assert texts.rejected == {"column_count": 2}
    assert "rows that leave out their last cells are filled up" in texts.notes


def test_nested_columns_of_parquet_are_columns(tmp_path: Path) -> None:
    rows = [{"id": 1, "name": {"first": "Ann", "last": {"now": "Lee"}}, "tags": ["a"]}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "people")
    [texts] = read_inputs(name_inputs([str(tmp_path / "people")]))
    assert texts.rows.to_pylist() == [{"id": "1", "name.first": "Ann", "name.last.now": "Lee", "tags": '["a"]'}]


def test_a_sheet_is_chosen_by_name(tmp_path: Path) -> None:
    book, path = openpyxl.Workbook(), tmp_path / "book.xlsx"
    for title, cell in (("One", "a"), ("Two", "b")):
        sheet = book.create_sheet(title)
        sheet.append(["id", "born", "paid", "id", "n"])
        sheet.append([1.0, datetime(1980, 2, 3), True, cell, 447701234502.0])  # noqa: DTZ001
    book.save(path)
    [first] = read_inputs(name_inputs([str(path)]))
    [second] = read_inputs(name_inputs([str(path)], {"sheet": "Two"}))
    assert first.rows.to_pylist() == [
        {"id": "1", "born": "1980-02-03", "paid": "true", "id_2": "a", "n": "447701234502"}
    ]
    assert second.rows["id_2"].to_pylist() == ["b"]
    assert "not read: Sheet, Two" in first.notes[0]
    with pytest.raises(DataError, match="no sheet Three; allowed: Sheet, One, Two"):
        read_inputs(name_inputs([str(path)], {"sheet": "Three"}))


@pytest.mark.parametrize("limit", ["rows", "bytes"])
def test_a_file_that_grows_beyond_the_limit_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    path, out = tmp_path / "many.csv", tmp_path / "out.csv"
    path.write_text("id,name\n" + "".join(f"{at},ann {at}\n" for at in range(60_000)), encoding="utf-8")
    if limit == "rows":
        monkeypatch.setattr(files, "in_process_records", lambda: 50_000)
    else:
        monkeypatch.setattr(files, "in_process_text_bytes", lambda: 1_000)
    with pytest.raises(TooLargeError):
        read_inputs(name_inputs([str(path)]))
    done = CliRunner().invoke(app, ["resolve", str(path), "--id", "id", "--out", str(out), "--engine", "process"])
    assert isinstance(done.exception, TooLargeError)
    assert "cdp-spark[spark]" in str(done.exception)
    assert not out.exists()


def test_memory_that_ends_in_the_middle_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, out = tmp_path / "few.csv", tmp_path / "out.csv"
    path.write_text(
        "id,first_name,email\n" + "".join(f"{at},ann,a{at % 9}@x.org\n" for at in range(18)), encoding="utf-8"
    )

    def run_out(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("cdp_spark.standalone.in_process.link", run_out)
    done = CliRunner().invoke(app, ["resolve", str(path), "--id", "id", "--out", str(out)])
    assert isinstance(done.exception, TooLargeError)
    assert list(tmp_path.iterdir()) == [path]
