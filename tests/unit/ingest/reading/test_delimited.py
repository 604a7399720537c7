"""Rows of a delimited file: quotes, lines and cells."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.ingest.reading.rows import bad, good, in_order

from cdp_spark.config.source import SourceConfig
from cdp_spark.errors import DataError
from cdp_spark.ingest.reading import open_source

Make = Callable[..., SourceConfig]

Read = Callable[[SourceConfig], Any]


def test_short_and_long_rows_are_refused_and_a_newline_in_quotes_is_one_row(
    tmp_path: Path, source: Make, read: Read
) -> None:
    text = '\ufeffid,name,email\r\n1,Ann,a@x\r\n2,Bob\r\n3,Cy,c@x,more\r\n\r\n4,"Dee\r\n""D"" Doe",\r\n'
    (tmp_path / "crm.csv").write_bytes(text.encode())

    assert in_order(read(source("people"))) == in_order(
        [
            good(id="1", name="Ann", email="a@x"),
            bad("2,Bob", "column_count"),
            bad("3,Cy,c@x,more", "column_count"),
            good(id="4", name='Dee\r\n"D" Doe'),
        ]
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            '1,Ann,a\n2,"Bob,b\n3,Cy,c\n4,Di,d\n',
            [bad('2,"Bob,b', "unclosed_quote"), good(id="1", name="Ann", email="a")],
            id="runs to the end of the file",
        ),
        pytest.param(
            '1,Ann,a\n2,Bob,"b\n3,Cy,c\n4,Di,d\n',
            [bad('2,Bob,"b', "unclosed_quote"), good(id="1", name="Ann", email="a")],
            id="in the last column",
        ),
        pytest.param(
            '1,Ann,a\n2,"Bob,b\n3,Cy,c\n4,"Di",d\n',
            [bad('2,"Bob,b', "unclosed_quote"), good(id="1", name="Ann", email="a")],
            id="ended by a later quote",
        ),
        pytest.param(
            '1,Ann,a\n2,"Bob,b\n3,Cy,c\n4,Di,d\n5,"Ed\nwin",e\n',
            [
                bad('2,"Bob,b', "unclosed_quote"),
                good(id="1", name="Ann", email="a"),
                good(id="5", name="Ed\nwin", email="e"),
            ],
            id="before a sound value of several lines",
        ),
    ],
)
def test_an_unclosed_quote_costs_one_row(
    tmp_path: Path, source: Make, read: Read, body: str, expected: list[Any]
) -> None:
    (tmp_path / "crm.csv").write_text(f"id,name,email\n{body}")

    rest = [good(id="3", name="Cy", email="c"), good(id="4", name="Di", email="d")]

    assert in_order(read(source("people"))) == in_order(expected + rest)


def test_a_sound_value_of_several_lines_is_left_alone(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "crm.csv").write_text('id,name,email\n1,"""Hi"" she said,\nthen left",a\n2,5" pipe,b\n')

    assert in_order(read(source("people"))) == in_order(
        [good(id="1", name='"Hi" she said,\nthen left', email="a"), good(id="2", name='5" pipe', email="b")]
    )


_FORGED = "x\n8,Eve,eve@x\n9,Eve,e2@x\n"


"""A value of which two lines look like rows."""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            f'1,"{_FORGED}",a\n4,Di,"{_FORGED}"\n',
            [good(id="1", name=_FORGED, email="a"), good(id="4", name="Di", email=_FORGED)],
            id="in a sound file",
        ),
        pytest.param(
            f'1,"{_FORGED}",a\n4,5" pipe,d\n',
            [good(id="1", name=_FORGED, email="a"), good(id="4", name='5" pipe', email="d")],
            id="in a file with a stray quote",
        ),
        pytest.param(
            f'1,"{_FORGED}",a,more\n4,Di,d\n',
            [bad(f'1,"{_FORGED}",a,more', "column_count"), good(id="4", name="Di", email="d")],
            id="in a row with a cell too many",
        ),
        pytest.param(
            f'1,"{_FORGED}"\n4,5" pipe,d\n',
            [bad(f'1,"{_FORGED}"', "column_count"), good(id="4", name='5" pipe', email="d")],
            id="in a row with a cell too few beside a stray quote",
        ),
        pytest.param(
            f'1,"{_FORGED}","b"x\n',
            [good(id="1", name=_FORGED, email='"b"x')],
            id="before a value that goes on after its quote",
        ),
        pytest.param(
            f'1,"{_FORGED}","b\n4,Di,d\n',
            [bad(f'1,"{_FORGED}","b', "unclosed_quote"), good(id="4", name="Di", email="d")],
            id="before a quote that is never closed",
        ),
        pytest.param(
            f'1,"{_FORGED}","b\n4,"Di",d\n',
            [bad(f'1,"{_FORGED}","b', "unclosed_quote"), good(id="4", name="Di", email="d")],
            id="before a quote that another value's quote follows",
        ),
        pytest.param(
            f'1,"b,c\n4,"{_FORGED}",d\n',
            [bad('1,"b,c', "unclosed_quote"), good(id="4", name=_FORGED, email="d")],
            id="after a quote that is never closed",
        ),
    ],
)
def test_no_line_of_a_closed_value_is_a_row(
    tmp_path: Path, source: Make, read: Read, body: str, expected: list[Any]
) -> None:
    (tmp_path / "crm.csv").write_text(f"id,name,email\n{body}")

    assert in_order(read(source("people"))) == in_order(expected)


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

    assert in_order(read(source("people"))) == in_order(
        [
            bad('1,"Ann\nLee",a,more', "column_count"),
            bad('2,"Bob\nLee"', "column_count"),
            good(id="3", name="Cy\nLee", email="c"),
        ]
    )


def test_a_value_of_several_lines_stops_a_source_that_says_it_has_none(
    tmp_path: Path, source: Make, read: Read
) -> None:
    people = source("people", options={"multiLine": "false"})
    (tmp_path / "crm.csv").write_text('id,name,email\n2,"Bob, ""B""",b\n')
    assert read(people) == [good(id="2", name='Bob, "B"', email="b")]

    (tmp_path / "crm.csv").write_text(f'id,name,email\n1,"{_FORGED}",a\n')
    with pytest.raises(DataError, match=r"a quoted value that does not end on its line.*Fix: remove options.multiLine"):
        read(people)


def test_what_stands_beside_a_quoted_value(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "crm.csv").write_text('id,name,email\n1,"Ann" ,a\n2, "Bob",b\n3,"Cy"x,c\n   \n4,"",\n5,\x00, \n')

    assert in_order(read(source("people"))) == in_order(
        [
            good(id="1", name="Ann", email="a"),
            good(id="2", name=' "Bob"', email="b"),
            good(id="3", name='"Cy"x', email="c"),
            good(id="4"),
            good(id="5", name="\x00", email=" "),
        ]
    )


def test_backslashes_escape_quotes_and_nothing_else(tmp_path: Path, source: Make, read: Read) -> None:
    (tmp_path / "crm.csv").write_text(
        'id,name,email\n1,"Ann \\"A\\" Lee",a\\\n2,C:\\dir\\,b\n3,"C:\\dir","c\\\\"\n4,"a\n\\"b",d\n'
    )

    assert in_order(read(source("people", options={"escape": "\\"}))) == in_order(
        [
            good(id="1", name='Ann "A" Lee', email="a\\"),
            good(id="2", name="C:\\dir\\", email="b"),
            good(id="3", name="C:\\dir", email="c\\"),
            good(id="4", name='a\n"b', email="d"),
        ]
    )
