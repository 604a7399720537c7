"""Delimited files: headers, delimiters, encodings and packings."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from encodings.aliases import aliases
from pathlib import Path
from typing import Any

import pytest
from tests.unit.ingest.reading.rows import bad, good, in_order

from cdp_spark.config.source import SourceConfig
from cdp_spark.errors import ConfigError, DataError
from cdp_spark.ingest.reading import open_files
from cdp_spark.normalise.text import is_encoding

Make = Callable[..., SourceConfig]

Read = Callable[[SourceConfig], Any]


def test_bytes_of_another_encoding_become_replacement_characters(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "crm.csv").write_bytes("id,name,email\n1,Zoë,z\n".encode("latin-1"))

    assert read(source("people")) == [good(id="1", name="Zo\ufffd", email="z")]


def test_a_header_of_another_encoding_or_with_an_open_quote_is_refused(
    tmp_path: Path, source: Make, read: Read
) -> None:
    (tmp_path / "crm.csv").write_bytes("id,größe\n1,z\n".encode("latin-1"))
    with pytest.raises(
        DataError, match=r"header of .*crm.csv: got bytes that are not UTF-8. Fix: set options.encoding"
    ):
        read(source("people"))

    (tmp_path / "crm.csv").write_text('id,"name,email\n1,Ann,a\n')
    with pytest.raises(DataError, match="a quote that is not closed"):
        read(source("people"))


@pytest.mark.parametrize(
    ("content", "how"),
    [
        (gzip.compress(b"id,name,email\n" * 20)[:-12], "that ends too early"),
        (gzip.compress(b"id,name,email\n" * 20)[:-8] + b"12345678", "that is damaged, or no such file at all"),
        (b"id,name,email\n", "that is damaged, or no such file at all"),
    ],
    ids=["cut off", "damaged", "none"],
)
def test_a_broken_gzip_is_named(tmp_path: Path, source: Make, read: Read, content: bytes, how: str) -> None:
    (tmp_path / "crm.csv.gz").write_bytes(content)

    with pytest.raises(DataError) as caught:
        read(source("people", path="crm.csv.gz"))

    assert str(caught.value) == (
        f"source crm: got a gzip file {how} at {tmp_path}/crm.csv.gz. "
        "Fix: have it delivered again; an upload may have been cut off, or not have been finished yet"
    )


def test_files_by_their_paths(tmp_path: Path) -> None:
    (tmp_path / "_a [1].tsv").write_text("id\tname\n1\tAnn\n")
    paths = [tmp_path / "_a [1].tsv", tmp_path / "missing"]

    reading = open_files(paths, format="csv", options={"delimiter": "\\t"})

    assert reading is not None
    assert reading.columns == {"id": "string", "name": "string"}
    for _ in range(2):
        (batch,) = reading.batches()
        assert batch.rows.to_pylist() == [{"id": "1", "name": "Ann"}]
        assert batch.source_file == f"file:{tmp_path}/_a%20%5B1%5D.tsv"


def test_files_of_one_source_may_order_and_name_columns_differently(tmp_path: Path, source: Make, read: Read) -> None:
    folder = tmp_path / "crm [new] files"
    folder.mkdir()
    (folder / "a.csv").write_text("id,name,email\n1,Ann,a\n")
    (folder / "b.csv").write_text("email,id,name,age\nb,2,Bob,40\n")
    (folder / "c.csv").write_text("")
    with gzip.open(folder / "d.csv.gz", "wt") as packed:
        packed.write("email,id,name\nc,3,Cy\n")

    assert in_order(read(source("people", path="crm \\[new\\] files"))) == in_order(
        [
            good(id="1", name="Ann", email="a"),
            good(id="2", name="Bob", email="b", age="40"),
            good(id="3", name="Cy", email="c"),
        ]
    )


def test_own_delimiter_encoding_and_quote(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "crm.csv").write_bytes("id;first name;e.mail;a`b\n1;'Zoë; J.';z;x\n".encode("latin-1"))
    options = {"delimiter": ";", "encoding": "ISO-8859-1", "quote": "'", "escape": "\\"}

    assert read(source("people", options=options)) == [
        good(**{"id": "1", "first name": "Zoë; J.", "e.mail": "z", "a`b": "x"})
    ]


@pytest.mark.parametrize(
    "text",
    [
        "id,name,email\n1,Ann,a\n",
        'id;"name";email;"a,b,c,d"\n1;Ann;a\n',
        "id\tname\temail\n1\tAnn\ta\n",
        " id | name | email \n1|Ann|a\n",
        "id~name~email\n1~Ann~a\n",
        "sep=;\nid;name;email\n1;Ann;a\n",
        "\n\nid;name;email\n1;Ann;a\n",
    ],
)
def test_the_delimiter_is_found_by_the_columns_that_the_source_names(
    tmp_path: Path, source: Make, read: Read, text: str
) -> None:
    (tmp_path / "crm.csv").write_text(text)
    people = source("people", options={"padRows": "true"})

    assert read(people) == [good(id="1", name="Ann", email="a")]


def test_files_of_one_source_may_have_delimiters_of_their_own(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "crm").mkdir()
    (tmp_path / "crm" / "a.csv").write_text("id,name,email\n1,Ann;A,a\n")
    (tmp_path / "crm" / "b.csv").write_text("id;name;email\n2;Bob,B;b\n")

    assert read(source("people", path="crm")) == [
        good(id="1", name="Ann;A", email="a"),
        good(id="2", name="Bob,B", email="b"),
    ]


def test_a_delimiter_that_the_source_names_is_not_looked_for(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "crm.csv").write_text("id;name;email\n1;Ann;a\n")

    assert read(source("people", options={"delimiter": ","})) == [good(**{"id;name;email": "1;Ann;a"})]


def test_a_header_that_names_a_column_twice_is_refused(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "crm.csv").write_text("id,Email,name,email\n1,a,b,c\n")

    with pytest.raises(DataError, match=r"source crm, header of .*got the same column twice: 'Email' and 'email'"):
        read(source("people"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_utf16_is_refused(tmp_path: Path, source: Make, read: Read, encoding: str) -> None:
    (tmp_path / "crm.csv").write_bytes("id,name,email\n1,Ann,a\n".encode(encoding))

    with pytest.raises(DataError, match="source crm: got UTF-16 text in 1 of 1"):
        read(source("people"))


def _encodings() -> list[str]:
    return sorted(it for it in set(aliases.values()) if is_encoding(it))


@pytest.mark.parametrize("encoding", ["Windows-1252", "windows-1252", "CP1252", "ISO-8859-15", *_encodings()])
def test_every_encoding_that_python_knows_is_read(tmp_path: Path, source: Make, read: Read, encoding: str) -> None:
    name = "Zoë €" if "Zoë €".encode(encoding, "ignore").decode(encoding) == "Zoë €" else "Zoe"
    (tmp_path / "crm.csv").write_bytes(f'id,name\n1,{name}\r\n2,"B\nb"\n3\n'.encode(encoding))

    rows = read(source("people", options={"encoding": encoding}))

    assert rows == [good(id="1", name=name), good(id="2", name="B\nb"), bad("3", "column_count")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_read_where_the_source_says_so(tmp_path: Path, source: Make, read: Read, encoding: str) -> None:
    (tmp_path / "crm.csv").write_bytes("id\tname\r\n1\tÄnn\r\n".encode(encoding))

    options = {"encoding": encoding, "delimiter": "\\t"}

    assert read(source("people", options=options)) == [good(id="1", name="Änn")]


def test_lines_before_the_header_are_left_out_where_the_source_says_so(
    tmp_path: Path, source: Make, read: Read
) -> None:
    (tmp_path / "crm.csv").write_text('All people,\n\n"as of, today\nid,name\n1,Ann\n')

    assert read(source("people", options={"skipLines": "3"})) == [good(id="1", name="Ann")]
    with pytest.raises(ConfigError, match="skipLines: got 'three'"):
        read(source("people", options={"skipLines": "three"}))


def test_doubled_names_get_a_number_where_the_source_says_so(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "crm.csv").write_text("id,Tag,tag,Tag_2,TAG\n1,a,b,c,d\n")

    rows = read(source("people", options={"numberDoubles": "true"}))

    assert rows == [good(id="1", Tag="a", tag_3="b", Tag_2="c", TAG_4="d")]


def test_a_zip_of_one_file_is_read(tmp_path: Path, source: Make, read: Read) -> None:
    with zipfile.ZipFile(tmp_path / "crm.csv", "w") as packed:
        packed.writestr("folder/people.csv", "id,name\n1,Ann\n")
    assert read(source("people")) == [good(id="1", name="Ann")]

    with zipfile.ZipFile(tmp_path / "crm.csv", "a") as packed:
        packed.writestr("more.csv", "id,name\n2,Bob\n")
    with pytest.raises(DataError, match="a zip of 2 files"):
        read(source("people"))


def test_rows_stay_in_the_order_of_the_file(tmp_path: Path, source: Make, read: Read) -> None:
    rows = ["1,Ann", '2,"Bo\nB"', "3,Cy", "", "4,Di", '5,E"d', '6,"F"', "7,Gil"]
    (tmp_path / "crm.csv").write_text("\n".join(["id,name", *rows]) + "\n")

    assert [row["id"] for row, _, _ in read(source("people"))] == list("1234567")


def test_nothing_there(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "zero.csv").touch()

    assert read(source("people", path="missing.csv")) is None
    assert read(source("people", path="folder")) is None
    assert read(source("people", path="zero.csv")) is None


def test_a_header_alone_has_no_rows(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "crm.csv").write_text("id,name,email")

    assert read(source("people")) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"header": "false"}, "sources/crm: options: got header"),
        ({"delimiter": "||"}, "options.delimiter: got '||'"),
        ({"quote": "''"}, "options.quote: got \"''\""),
        ({"sampling": "1"}, "sources/crm: options: got sampling; allowed: charset, "),
        ({"modifiedBefore": "soon"}, "options.modifiedbefore: got 'soon'"),
    ],
)
def test_options_that_cannot_be(
    tmp_path: Path, source: Make, read: Read, options: dict[str, str], message: str
) -> None:
    (tmp_path / "crm.csv").write_text("id\n1\n")

    with pytest.raises(ConfigError) as caught:
        read(source("people", options=options))

    assert message in str(caught.value)
