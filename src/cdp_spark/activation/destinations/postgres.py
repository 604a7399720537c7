"""PostgreSQL: rows upserted into a table and deleted from it, all of a run in one transaction.

Either all rows that the database takes are there, or none is: a run that is killed sends them again. A row that it
refuses is found by halves, each behind a savepoint, so that the others go in.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from cdp_spark import columns as c
from cdp_spark.activation.destinations.interface import Fate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdp_spark.activation.destinations.interface import FateStatus, Row
    from cdp_spark.config.destination import PostgresDestination

_CONNECT_SECONDS = 10
_WORDS = 200
_ROW_ERRORS = (psycopg.DataError, psycopg.IntegrityError)


@dataclass(frozen=True)
class PostgresSender:
    """Sends to a table.

    Args:
        destination: its settings.
        types: of the columns, as PostgreSQL names them.
    """

    destination: PostgresDestination
    types: Mapping[str, str]

    @property
    def batch_rows(self) -> int:
        """All of a run."""
        return sys.maxsize

    def send(self, batch: Sequence[Row]) -> list[Fate]:
        """Change the table in one transaction."""
        it = self.destination
        try:
            connection = psycopg.connect(
                str(it.url), user=str(it.user), password=str(it.password), connect_timeout=_CONNECT_SECONDS
            )
        except psycopg.OperationalError as error:
            return [Fate("unsent", _reason(error, "no connection"), stops=True)] * len(batch)
        with connection:
            try:
                fates = self._write(connection, batch)
            except psycopg.Error as error:
                with suppress(psycopg.Error):
                    connection.rollback()
                return [Fate("unsent", _reason(error, "not written"), _words(error), stops=True)] * len(batch)
            try:
                connection.commit()
            except psycopg.Error as error:  # with a code it was refused, as by a deferred constraint
                status: FateStatus = "unsent" if error.sqlstate else "unknown"
                return [Fate(status, _reason(error, "commit not answered"), _words(error), stops=True)] * len(batch)
        return fates

    def _write(self, connection: psycopg.Connection, batch: Sequence[Row]) -> list[Fate]:
        connection.execute(self.create_statement())
        gone = [row.unified_id for row in batch if row.action in ("remove", "erase")]
        if gone:
            delete = sql.SQL("delete from {} where {} = any(%s)").format(self._table, sql.Identifier(c.UNIFIED_ID))
            connection.execute(delete, [gone])
        kept = [row for row in batch if row.action in ("add", "update")]
        found = iter(self._upsert(connection, kept))
        return [next(found) if row.action in ("add", "update") else Fate("acknowledged") for row in batch]

    def _upsert(self, connection: psycopg.Connection, rows: Sequence[Row]) -> list[Fate]:
        if not rows:
            return []
        try:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.executemany(self.upsert_statement(), [self._values(row) for row in rows])
        except _ROW_ERRORS as error:
            if len(rows) == 1:
                return [Fate("refused", _reason(error, "refused"), _words(error))]
            middle = len(rows) // 2
            return [*self._upsert(connection, rows[:middle]), *self._upsert(connection, rows[middle:])]
        return [Fate("acknowledged")] * len(rows)

    def _values(self, row: Row) -> list[Any]:
        values = [row.values.get(name) for name in self.types]
        return [row.unified_id, *(_database_value(value) for value in values)]

    @property
    def _table(self) -> sql.Composable:
        return sql.Identifier(*self.destination.table.split("."))

    def create_statement(self) -> sql.Composed:
        """Make the table unless it is there."""
        columns = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in self.types.items()]
        keyed = [sql.SQL("{} text primary key").format(sql.Identifier(c.UNIFIED_ID)), *columns]
        return sql.SQL("create table if not exists {} ({})").format(self._table, sql.SQL(", ").join(keyed))

    def upsert_statement(self) -> sql.Composed:
        """Insert a row, or change the one that is there; `nulls: keep` leaves values that have no new one."""
        names = [sql.Identifier(name) for name in self.types]
        new = "coalesce(excluded.{0}, t.{0})" if self.destination.nulls == "keep" else "excluded.{0}"
        changes = [sql.SQL("{} = ").format(name) + sql.SQL(new).format(name) for name in names]
        key = sql.Identifier(c.UNIFIED_ID)
        return sql.SQL("insert into {} as t ({}) values ({}) on conflict ({}) do ").format(
            self._table,
            sql.SQL(", ").join([key, *names]),
            sql.SQL(", ").join([sql.Placeholder()] * (len(names) + 1)),
            key,
        ) + (sql.SQL("update set ") + sql.SQL(", ").join(changes) if changes else sql.SQL("nothing"))


def column_types(columns: Mapping[str, str]) -> dict[str, str]:
    """Name PostgreSQL's types for columns of Arrow types, such as `int64`; `unified_id` is the key and left out."""
    return {name: _database_type(kind) for name, kind in columns.items() if name != c.UNIFIED_ID}


def _database_type(kind: str) -> str:
    if kind.startswith(("list", "large_list")):
        return "text[]"
    if kind.startswith("map"):
        return "jsonb"
    if kind.startswith("timestamp"):
        return "timestamptz"
    if kind.startswith("decimal"):
        return f"numeric{kind[kind.index('(') :]}"
    known = {
        "bool": "boolean",
        "int32": "integer",
        "int64": "bigint",
        "double": "double precision",
        "date32[day]": "date",
    }
    return known.get(kind, "text")


def _database_value(value: Any) -> Any:  # noqa: ANN401 - whatever a cell holds
    if isinstance(value, str):
        return value.replace("\x00", "")  # PostgreSQL's texts cannot hold it
    return Jsonb(value) if isinstance(value, dict) else value


def _reason(error: psycopg.Error, otherwise: str) -> str:
    return f"PostgreSQL error {error.sqlstate}" if error.sqlstate else otherwise


def _words(error: psycopg.Error) -> str:
    return (error.diag.message_primary or "")[:_WORDS]
