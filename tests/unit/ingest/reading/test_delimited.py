from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Callable
from encodings.aliases import aliases
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_spark.config.source import SourceConfig
from cdp_spark.errors import ConfigError, DataError
from cdp_spark.ingest.reading import delimited, open_files, open_source
from cdp_spark.ingest.reading.delimited import read_texts
from cdp_spark.ingest.reading.dialect import Dialect
from cdp_spark.normalise.text import is_encoding

Make = Callable[..., SourceConfig]
Read = Callable[[SourceConfig], Any]


def _good(**row: str) -> tuple[dict[str, str], None, None]:
    return (row, None, None)


def _bad(text: str, reason: str) -> tuple[None, str, str]:
    return (None, text, reason)


def test_short_and_long_rows_are_refused_and_a_newline_in_quotes_is_one_row(
    tmp_path: Path, source: Make, read: Read
) -> None:
    text = '\ufeffid,name,email\r\n1,Ann,a@x\r\n2,Bob\r\n3,Cy,c@x,more\r\n\r\n4,"Dee\r\n""D"" Doe",\r\n'
    (tmp_path / "crm.csv").write_bytes(text.encode())

    assert _sorted(read(source("people"))) == _sorted(
        [
            _good(id="1", name="Ann", email="a@x"),
            _bad("2,Bob", "column_count"),
            _bad("3,Cy,c@x,more", "column_count"),
            _good(id="4", name='Dee\r\n"D" Doe'),
        ]
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            '1,Ann,a\n2,"Bob,b\n3,Cy,c\n4,Di,d\n',
            [_bad('2,"Bob,b', "unclosed_quote"), _good(id="1", name="Ann", email="a")],
            id="runs to the end of the file",
        ),
        pytest.param(
            '1,Ann,a\n2,Bob,"b\n3,Cy,c\n4,Di,d\n',
            [_bad('2,Bob,"b', "unclosed_quote"), _good(id="1", name="Ann", email="a")],
            id="in the last column",
        ),
        pytest.param(
            '1,Ann,a\n2,"Bob,b\n3,Cy,c\n4,"Di",d\n',
            [_bad('2,"Bob,b', "unclosed_quote"), _good(id="1", name="Ann", email="a")],
            id="ended by a later quote",
        ),
        pytest.param(
            '1,Ann,a\n2,"Bob,b\n3,Cy,c\n4,Di,d\n5,"Ed\nwin",e\n',
            [
                _bad('2,"Bob,b', "unclosed_quote"),
                _good(id="1", name="Ann", email="a"),
                _good(id="5", name="Ed\nwin", email="e"),
            ],
            id="before a sound value of several lines",
        ),
    ],
)
def test_an_unclosed_quote_costs_one_row(
    tmp_path: Path, source: Make, read: Read, body: str, expected: list[Any]
) -> None:
    (tmp_path / "crm.csv").write_text(f"id,name,email\n{body}")

    rest = [_good(id="3", name="Cy", email="c"), _good(id="4", name="Di", email="d")]

    assert _sorted(read(source("people"))) == _sorted(expected + rest)


def test_a_sound_value_of_several_lines_is_left_alone(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "crm.csv").write_text('id,name,email\n1,"""Hi"" she said,\nthen left",a\n2,5" pipe,b\n')

    assert _sorted(read(source("people"))) == _sorted(
        [_good(id="1", name='"Hi" she said,\nthen left', email="a"), _good(id="2", name='5" pipe', email="b")]
    )


_FORGED = "x\n8,Eve,eve@x\n9,Eve,e2@x\n"
"""A value of which two lines look like rows."""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            f'1,"{_FORGED}",a\n4,Di,"{_FORGED}"\n',
            [_good(id="1", name=_FORGED, email="a"), _good(id="4", name="Di", email=_FORGED)],
            id="in a sound file",
        ),
        pytest.param(
            f'1,"{_FORGED}",a\n4,5" pipe,d\n',
            [_good(id="1", name=_FORGED, email="a"), _good(id="4", name='5" pipe', email="d")],
            id="in a file with a stray quote",
        ),
        pytest.param(
            f'1,"{_FORGED}",a,more\n4,Di,d\n',
            [_bad(f'1,"{_FORGED}",a,more', "column_count"), _good(id="4", name="Di", email="d")],
            id="in a row with a cell too many",
        ),
        pytest.param(
            f'1,"{_FORGED}"\n4,5" pipe,d\n',
            [_bad(f'1,"{_FORGED}"', "column_count"), _good(id="4", name='5" pipe', email="d")],
            id="in a row with a cell too few beside a stray quote",
        ),
        pytest.param(
            f'1,"{_FORGED}","b"x\n',
            [_good(id="1", name=_FORGED, email='"b"x')],
            id="before a value that goes on after its quote",
        ),
        pytest.param(
            f'1,"{_FORGED}","b\n4,Di,d\n',
            [_bad(f'1,"{_FORGED}","b', "unclosed_quote"), _good(id="4", name="Di", email="d")],
            id="before a quote that is never closed",
        ),
        pytest.param(
            f'1,"{_FORGED}","b\n4,"Di",d\n',
            [_bad(f'1,"{_FORGED}","b', "unclosed_quote"), _good(id="4", name="Di", email="d")],
            id="before a quote that another value's quote follows",
        ),
        pytest.param(
            f'1,"b,c\n4,"{_FORGED}",d\n',
            [_bad('1,"b,c', "unclosed_quote"), _good(id="4", name=_FORGED, email="d")],
            id="after a quote that is never closed",
        ),
    ],
)
def test_no_line_of_a_closed_value_is_a_row(
    tmp_path: Path, source: Make, read: Read, body: str, expected: list[Any]
) -> None:
    (tmp_path / "crm.csv").write_text(f"id,name,email\n{body}")

    assert _sorted(read(source("people"))) == _sorted(expected)


def test_a_quote_that_is_never_closed_is_told_with_its_line(tmp_path: Path, source: Make) -> None:
    (tmp_path / "crm.csv").write_bytes(b'as of today\r\n\r\nid,"na\r\nme"\r\n1,"A\r\nn"\r2,"B\r\n3,"C"\r\n4,"D\n5,E')

    reading = open_source(source("people", options={"skipLines": "1"}), folder=str(tmp_path))

    assert reading is not None
    batches = list(reading.batches())
    assert [row for batch in batches for row in batch.rejected.to_pylist()] == [
        {"raw_text": '2,"B', "reason": "unclosed_quote", "line": 7},
        {"raw_text": '4,"D', "reason": "unclosed_quote", "line": 9},
    ]
    assert [row["id"] for batch in batches for row in batch.rows.to_pylist()] == ["1", "3", "5"]


def test_a_row_of_several_lines_with_a_column_too_many_is_one_refused_row(
    tmp_path: Path, source: Make, read: Read
) -> None:
    (tmp_path / "crm.csv").write_text('id,name,email\n1,"Ann\nLee",a,more\n2,"Bob\nLee"\n3,"Cy\nLee",c\n')

    assert _sorted(read(source("people"))) == _sorted(
        [
            _bad('1,"Ann\nLee",a,more', "column_count"),
            _bad('2,"Bob\nLee"', "column_count"),
            _good(id="3", name="Cy\nLee", email="c"),
        ]
    )


def test_a_value_of_several_lines_stops_a_source_that_says_it_has_none(
    tmp_path: Path, source: Make, read: Read
) -> None:
    people = source("people", options={"multiLine": "false"})
    (tmp_path / "crm.csv").write_text('id,name,email\n2,"Bob, ""B""",b\n')
    assert read(people) == [_good(id="2", name='Bob, "B"', email="b")]

    (tmp_path / "crm.csv").write_text(f'id,name,email\n1,"{_FORGED}",a\n')
    with pytest.raises(DataError, match=r"a quoted value that does not end on its line.*Fix: remove options.multiLine"):
        read(people)


def test_what_stands_beside_a_quoted_value(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "crm.csv").write_text('id,name,email\n1,"Ann" ,a\n2, "Bob",b\n3,"Cy"x,c\n   \n4,"",\n5,\x00, \n')

    assert _sorted(read(source("people"))) == _sorted(
        [
            _good(id="1", name="Ann", email="a"),
            _good(id="2", name=' "Bob"', email="b"),
            _good(id="3", name='"Cy"x', email="c"),
            _good(id="4"),
            _good(id="5", name="\x00", email=" "),
        ]
    )


def test_backslashes_escape_quotes_and_nothing_else(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "crm.csv").write_text(
        'id,name,email\n1,"Ann \\"A\\" Lee",a\\\n2,C:\\dir\\,b\n3,"C:\\dir","c\\\\"\n4,"a\n\\"b",d\n'
    )

    assert _sorted(read(source("people", options={"escape": "\\"}))) == _sorted(
        [
            _good(id="1", name='Ann "A" Lee', email="a\\"),
            _good(id="2", name="C:\\dir\\", email="b"),
            _good(id="3", name="C:\\dir", email="c\\"),
            _good(id="4", name='a\n"b', email="d"),
        ]
    )


def test_bytes_of_another_encoding_become_replacement_characters(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "crm.csv").write_bytes("id,name,email\n1,Zoë,z\n".encode("latin-1"))

    assert read(source("people")) == [_good(id="1", name="Zo\ufffd", email="z")]


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


_TEXTS = st.text(
    st.one_of(st.sampled_from("ab,;\"'\\\n\r\t \ufffd\x00\u2028\x85ä"), st.characters(codec="utf-8")), max_size=12
)


_LIKE_ROWS = st.lists(st.sampled_from(["1,Ann,a", '2,"b', ',"', '","', '"",x,"', "a,b,c,d", ""]), max_size=5)
_CELLS = st.one_of(_TEXTS, _LIKE_ROWS.map("\n".join), _LIKE_ROWS.map("\r\n".join))


_WRITERS: list[tuple[str, Literal[0, 1], str]] = [
    ("", csv.QUOTE_MINIMAL, "\n"),
    ("", csv.QUOTE_MINIMAL, "\r\n"),
    ("\ufeff", csv.QUOTE_MINIMAL, "\r\n"),
    ("", csv.QUOTE_ALL, "\r\n"),
]
"""Python's csv, with either end of line, a spreadsheet's and RFC 4180's."""


@st.composite
def _written(draw: st.DrawFn) -> tuple[list[list[str]], str]:
    """Rows, and the text that a writer makes of them."""
    rows = draw(st.lists(st.lists(_CELLS, min_size=3, max_size=3), max_size=12))
    mark, quoting, end = draw(st.sampled_from(_WRITERS))
    written = io.StringIO(newline="")
    for row in rows:
        if end == "\n":  # the writer puts quotes around its own end of line only
            row[:] = [value.replace("\r", "\n") for value in row]
    csv.writer(written, quoting=quoting, lineterminator=end).writerows([["a", "b", "c"], *rows])
    return rows, mark + written.getvalue()


@given(written=_written(), encoding=st.sampled_from(["utf-8", "utf-16", "gb18030"]), cut=st.integers(1, 40))
def test_every_text_survives(written: tuple[list[list[str]], str], encoding: str, cut: int) -> None:
    rows, text = written
    data = text.encode(encoding)
    blocks = (data[at : at + cut] for at in range(0, len(data), cut))
    pieces = delimited.decode_blocks(blocks, encoding, keep_ends=True)

    batches = list(read_texts(pieces, ("a", "b", "c"), Dialect(), source_file="f"))

    read = [tuple(value or "" for value in row.values()) for batch in batches for row in batch.rows.to_pylist()]
    assert read == [tuple(row) for row in rows]
    assert not any(batch.rejected.num_rows for batch in batches)


@given(
    written=_written(),
    extra=st.sampled_from(["more", '"x"y', '5" pipe']),
    broken=st.integers(0, 11),
)
def test_a_broken_row_makes_no_rows_of_its_cells(written: tuple[list[list[str]], str], extra: str, broken: int) -> None:
    """A row that gets a cell too many is refused, and all others are read or refused as they are."""
    rows, _ = written
    lines = [",".join('"' + value.replace('"', '""') + '"' for value in row) for row in rows]
    if broken < len(lines):
        lines[broken] += f",{extra}"

    batches = list(read_texts(["a,b,c\n", "\n".join(lines)], ("a", "b", "c"), Dialect(), source_file="f"))

    read = [[value or "" for value in row.values()] for batch in batches for row in batch.rows.to_pylist()]
    assert read == [row for place, row in enumerate(rows) if place != broken]


@given(
    text=st.text(st.sampled_from('a,"\n\r\\ '), max_size=60),
    cut=st.integers(1, 20),
    escape=st.sampled_from(['"', "\\", ""]),
    multi_line=st.booleans(),
)
def test_where_a_file_is_cut_changes_nothing(text: str, cut: int, escape: str, multi_line: bool) -> None:
    dialect = Dialect(escape=escape, multi_line=multi_line)

    def read(size: int) -> list[Any]:
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        try:
            batches = list(read_texts(pieces, ("a", "b"), dialect, source_file="f", has_header=False))
        except DataError as error:
            return [str(error)]
        rows = [row for batch in batches for row in (*batch.rows.to_pylist(), *batch.rejected.to_pylist())]
        return sorted(rows, key=str)

    assert read(cut) == read(max(len(text), 1))


@given(
    lines=st.lists(st.text(st.sampled_from('ab,"\n\r'), max_size=9), max_size=20),
    end=st.sampled_from(["\n", "\r\n"]),
    size=st.integers(1, 30),
    kind=st.sampled_from(["csv", "json"]),
)
def test_a_file_read_in_parts_is_the_file(lines: list[str], end: str, size: int, kind: Literal["csv", "json"]) -> None:
    def rows(part_bytes: int) -> list[Any]:
        with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
            patch.setattr("cdp_spark.ingest.reading.open.PART_BYTES", part_bytes)
            file = Path(folder, "a")
            file.write_bytes(end.join(["a,b", *lines]).encode())
            reading = open_files([file], format=kind, options={"multiLine": "false"})
            assert reading is not None
            try:
                batches = list(reading.batches())
            except DataError as error:
                return [error.got.split(" at ")[0]]
        found = [row for batch in batches for row in (*batch.rows.to_pylist(), *batch.rejected.to_pylist())]
        return sorted(found, key=str)

    assert rows(size) == rows(10_000)


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

    assert _sorted(read(source("people", path="crm \\[new\\] files"))) == _sorted(
        [
            _good(id="1", name="Ann", email="a"),
            _good(id="2", name="Bob", email="b", age="40"),
            _good(id="3", name="Cy", email="c"),
        ]
    )


def test_own_delimiter_encoding_and_quote(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "crm.csv").write_bytes("id;first name;e.mail;a`b\n1;'Zoë; J.';z;x\n".encode("latin-1"))
    options = {"delimiter": ";", "encoding": "ISO-8859-1", "quote": "'", "escape": "\\"}

    assert read(source("people", options=options)) == [
        _good(**{"id": "1", "first name": "Zoë; J.", "e.mail": "z", "a`b": "x"})
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

    assert read(people) == [_good(id="1", name="Ann", email="a")]


def test_files_of_one_source_may_have_delimiters_of_their_own(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "crm").mkdir()
    (tmp_path / "crm" / "a.csv").write_text("id,name,email\n1,Ann;A,a\n")
    (tmp_path / "crm" / "b.csv").write_text("id;name;email\n2;Bob,B;b\n")

    assert read(source("people", path="crm")) == [
        _good(id="1", name="Ann;A", email="a"),
        _good(id="2", name="Bob,B", email="b"),
    ]


def test_a_delimiter_that_the_source_names_is_not_looked_for(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "crm.csv").write_text("id;name;email\n1;Ann;a\n")

    assert read(source("people", options={"delimiter": ","})) == [_good(**{"id;name;email": "1;Ann;a"})]


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

    assert rows == [_good(id="1", name=name), _good(id="2", name="B\nb"), _bad("3", "column_count")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_read_where_the_source_says_so(tmp_path: Path, source: Make, read: Read, encoding: str) -> None:
    (tmp_path / "crm.csv").write_bytes("id\tname\r\n1\tÄnn\r\n".encode(encoding))

    options = {"encoding": encoding, "delimiter": "\\t"}

    assert read(source("people", options=options)) == [_good(id="1", name="Änn")]


def test_lines_before_the_header_are_left_out_where_the_source_says_so(
    tmp_path: Path, source: Make, read: Read
) -> None:
    (tmp_path / "crm.csv").write_text('All people,\n\n"as of, today\nid,name\n1,Ann\n')

    assert read(source("people", options={"skipLines": "3"})) == [_good(id="1", name="Ann")]
    with pytest.raises(ConfigError, match="skipLines: got 'three'"):
        read(source("people", options={"skipLines": "three"}))


def test_doubled_names_get_a_number_where_the_source_says_so(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "crm.csv").write_text("id,Tag,tag,Tag_2,TAG\n1,a,b,c,d\n")

    rows = read(source("people", options={"numberDoubles": "true"}))

    assert rows == [_good(id="1", Tag="a", tag_3="b", Tag_2="c", TAG_4="d")]


def test_a_zip_of_one_file_is_read(tmp_path: Path, source: Make, read: Read) -> None:
    with zipfile.ZipFile(tmp_path / "crm.csv", "w") as packed:
        packed.writestr("folder/people.csv", "id,name\n1,Ann\n")
    assert read(source("people")) == [_good(id="1", name="Ann")]

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


def _sorted(rows: list[Any]) -> list[Any]:
    return sorted((sorted(row.items()) if row else [], raw or "", reason or "") for row, raw, reason in rows)
