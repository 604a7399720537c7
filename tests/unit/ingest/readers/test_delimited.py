from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cdp_spark.config.source import SourceConfig
from cdp_spark.errors import ConfigError, DataError

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
            _good(id="4", name='Dee\n"D" Doe'),
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


def test_a_header_that_names_a_column_twice_is_refused(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "crm.csv").write_text("id,Email,name,email\n1,a,b,c\n")

    with pytest.raises(DataError, match=r"source crm, header of .*got the same column twice: 'Email' and 'email'"):
        read(source("people"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_utf16_is_refused(tmp_path: Path, source: Make, read: Read, encoding: str) -> None:
    (tmp_path / "crm.csv").write_bytes("id,name,email\n1,Ann,a\n".encode(encoding))

    with pytest.raises(DataError, match="source crm: got UTF-16 text in 1 of 1"):
        read(source("people"))


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
        ({"encoding": "utf-99"}, "options.encoding: got 'utf-99'"),
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
