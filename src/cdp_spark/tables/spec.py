"""What a table is: its columns, grain, keys and constraints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_schema

from cdp_spark.errors import ContractError
from cdp_spark.tables.failures import null_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame


class TableKind(StrEnum):
    """How a table is written and read."""

    BATCH = "batch"
    """One run's work; overwritten or merged by the run that holds the lock."""
    GOLD = "gold"
    """Published together; read at the version that a release names."""
    APPEND = "append"
    """Takes concurrent writers; read at its head."""


@dataclass(frozen=True)
class TableSpec:
    """A table's contract.

    Args:
        name: plural noun in snake_case.
        grain: what one row is, in words.
        schema: the columns in order; a column that is not nullable is enforced by Delta.
        keys: the columns that identify a row.
        kind: how it is written and read.
        constraints: Delta CHECK constraints, name to SQL condition.
        dated_by: columns with record keys, for a table that is appended to: a row counts until a later run marks one of
            these records in `outdated_records`; `ordinal` says which run wrote it.
        has_change_feed: Delta keeps what each commit inserted and deleted, for other tools to follow.
    """

    name: str
    grain: str
    schema: T.StructType
    keys: tuple[str, ...]
    kind: TableKind
    constraints: dict[str, str] = field(default_factory=dict)
    dated_by: tuple[str, ...] = ()
    has_change_feed: bool = False

    def __post_init__(self) -> None:
        unknown = set(self.keys) - set(self.schema.names)
        if unknown:
            raise ContractError(f"table {self.name}", got=f"keys {sorted(unknown)}", allowed="columns of the table")

    def conform(self, rows: DataFrame) -> DataFrame:
        """Select the table's columns in order and cast each to its type.

        Raises:
            ContractError: a column is missing.
        """
        self._check_columns(rows.columns)
        return rows.select(*[F.col(field.name).cast(field.dataType).alias(field.name) for field in self.schema])

    def conform_table(self, rows: pa.Table) -> pa.Table:
        """Select the table's columns in order and cast each to its type.

        Raises:
            ContractError: a column is missing, is of another type, or lacks a value that it has to have.
        """
        self._check_columns(rows.column_names)
        for column in self.schema:
            if not column.nullable and rows[column.name].null_count:
                raise null_in(self, column.name)
        schema = to_arrow_schema(self.schema, timezone="UTC")
        try:
            return rows.select(self.schema.names).cast(schema)
        except pa.ArrowException:
            got, allowed = (
                ", ".join(f"{name} {given.field(name).type}" for name in schema.names)
                for given in (rows.schema, schema)
            )
            raise ContractError(f"table {self.name}", got=got, allowed=allowed) from None  # the cause prints values

    def fetched_schema(self, columns: Sequence[str] | None = None) -> pa.Schema:
        """Of columns, or of all, as `Store.fetch` gives them: all nullable, as the files call them."""
        schema = to_arrow_schema(self.schema, timezone="UTC")
        return pa.schema(
            [schema.field(name).with_nullable(True) for name in (schema.names if columns is None else columns)]
        )

    def table(self, rows: Sequence[Sequence[object]]) -> pa.Table:
        """Put rows, with their values in the order of the columns, into Arrow memory."""
        schema = to_arrow_schema(self.schema, timezone="UTC")
        values = list(zip(*rows, strict=True)) or [()] * len(schema)
        arrays = [pa.array(map(_unfold, column), field.type) for column, field in zip(values, schema, strict=True)]
        return pa.Table.from_arrays(arrays, schema=schema)

    def _check_columns(self, there: Sequence[str]) -> None:
        missing = [name for name in self.schema.names if name not in there]
        if missing:
            raise ContractError(
                f"table {self.name}",
                got=f"rows without {', '.join(missing)}",
                allowed=", ".join(self.schema.names),
                fix="add the columns before writing",
            )


def _unfold(value: object) -> object:
    """Arrow takes a map as its pairs."""
    return list(value.items()) if isinstance(value, Mapping) else value


def columns(**types: str | T.DataType) -> T.StructType:
    """Build a schema from `name="type"`; a type that ends in `!` is not nullable."""
    fields = []
    for name, kind in types.items():
        if isinstance(kind, T.DataType):
            fields.append(T.StructField(name, kind))
            continue
        fields.append(T.StructField(name, _parse(kind.rstrip("!")), nullable=not kind.endswith("!")))
    return T.StructType(fields)


_SIMPLE: dict[str, T.DataType] = {
    "string": T.StringType(),
    "long": T.LongType(),
    "int": T.IntegerType(),
    "double": T.DoubleType(),
    "boolean": T.BooleanType(),
    "date": T.DateType(),
    "timestamp": T.TimestampType(),
    "binary": T.BinaryType(),
    "decimal": T.DecimalType(18, 4),
    "strings": T.ArrayType(T.StringType()),
    "ints": T.ArrayType(T.IntegerType()),
    "longs": T.ArrayType(T.LongType()),
    "string_map": T.MapType(T.StringType(), T.StringType()),
    "long_map": T.MapType(T.StringType(), T.LongType()),
    "double_map": T.MapType(T.StringType(), T.DoubleType()),
}


def _parse(kind: str) -> T.DataType:
    if kind not in _SIMPLE:
        raise ContractError("table schema", got=kind, allowed=", ".join(_SIMPLE))
    return _SIMPLE[kind]
