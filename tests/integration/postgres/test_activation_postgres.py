"""Rows in a table of a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from tests.integration.postgres.server import Server, any_server

from cdp_spark.activation.destinations.interface import Fate, Row
from cdp_spark.activation.destinations.postgres import PostgresSender, column_types
from cdp_spark.config.destination import PostgresDestination
from cdp_spark.config.sending import SentColumn

OK = Fate("acknowledged")
TYPES = {"given_name": "string", "employees": "int64"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with any_server() as found:
        yield found


def sender(server: Server, table: str, types: dict[str, str] = TYPES, **values: Any) -> PostgresSender:
    settings = {"url": server.url, "user": server.user, "password": server.password, **values}
    destination = PostgresDestination(
        name="crm",
        kind="postgres",
        segment="all",
        columns=tuple(SentColumn(of=it) for it in types),
        purpose="mail",
        table=table,
        **settings,
    )
    return PostgresSender(destination, column_types(types))


def rows(server: Server, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.url, user=server.user, password=server.password) as connection:
        return connection.execute(query).fetchall()


def row(unified_id: str, action: Any = "add", **values: Any) -> Row:
    return Row(unified_id, action, f"{unified_id}-{action}", values)


@pytest.mark.postgres
def test_rows_are_upserted_and_deleted_and_a_repetition_changes_nothing(server: Server) -> None:
    crm = sender(server, "crm")
    assert crm.send([row("a", given_name="Jo", employees=1), row("b", given_name="'); drop table crm; --")]) == [OK, OK]
    server.execute("insert into crm values ('theirs', 'not ours', 0)")
    batch = [row("b", "remove"), row("a", "update", given_name="Zoë\x00 😀"), row("c", employees=3)]
    expected = [("a", "Zoë 😀", None), ("c", None, 3), ("theirs", "not ours", 0)]
    for _ in range(2):
        assert crm.send(batch) == [OK] * 3
        assert rows(server, "select * from crm order by 1") == expected
    sender(server, "crm", nulls="keep").send([row("a", "update", given_name=None, employees=7)])
    assert rows(server, "select * from crm where unified_id = 'a'") == [("a", "Zoë 😀", 7)]
    assert crm.send([row("a", "erase"), row("c", "erase")]) == [OK, OK]
    assert rows(server, "select unified_id from crm") == [("theirs",)]


@pytest.mark.postgres
def test_values_keep_their_types(server: Server) -> None:
    values: dict[str, tuple[str, Any]] = {
        "birth_date": ("date32[day]", date(1990, 2, 1)),
        "emails": ("list<element: string>", ["a@x.org", "b@x.org"]),
        "attributes": ("map<string, string>", {"tier": "gold"}),
        "first_seen_at_utc": ("timestamp[us, tz=UTC]", datetime(2026, 1, 2, tzinfo=UTC)),
        "revenue": ("double", 1.5),
        "spent": ("decimal128(18, 4)", Decimal("1.2500")),
        "is_member": ("bool", True),
    }
    typed = sender(server, "typed", {name: kind for name, (kind, _) in values.items()})
    assert typed.send([row("a", **{name: value for name, (_, value) in values.items()})]) == [OK]
    [found] = rows(server, "select * from typed")
    assert found == ("a", *(value for _, value in values.values()))


@pytest.mark.postgres
def test_a_row_that_the_database_refuses_does_not_keep_the_others_out(server: Server) -> None:
    server.execute("create table strict (unified_id text primary key, given_name varchar(3) not null, employees int)")
    batch = [row("a", given_name="Jo"), row("b", given_name="Joanna"), row("c", given_name="Al"), row("d")]
    fates = sender(server, "strict").send(batch)
    assert [(it.status, it.reason) for it in fates] == [
        ("acknowledged", ""),
        ("refused", "PostgreSQL error 22001"),
        ("acknowledged", ""),
        ("refused", "PostgreSQL error 23502"),
    ]
    assert rows(server, "select unified_id from strict order by 1") == [("a",), ("c",)]


@pytest.mark.postgres
def test_nothing_is_written_where_the_table_or_the_server_is_another(server: Server) -> None:
    server.execute("create table other (unified_id text primary key)")
    assert sender(server, "other").send([row("a"), row("b", "remove")])[0].reason == "PostgreSQL error 42703"
    wrong = sender(server, "crm2", password="wrong").send([row("a")])
    assert [(it.status, it.stops) for it in wrong] == [("unsent", True)]
    nowhere = sender(server, "crm2", url="postgresql://127.0.0.1:1/postgres").send([row("a")])
    assert [(it.status, it.reason, it.stops) for it in nowhere] == [("unsent", "no connection", True)]
