"""Rows of the tables that identity reads, and how they come from Arrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from cdp_spark.tables.rows import tuples_of

if TYPE_CHECKING:
    import pyarrow as pa

Key = tuple[str, str]
"""A record's key and entity type."""
Transitions = dict[Key, tuple["str | None", "str | None"]]
"""Yesterday's and tonight's id of each record; None for a new record, and for one that left."""


class Member(NamedTuple):
    """A row of `build_members`."""

    record_key: str
    entity_type: str
    previous_id: str | None
    first_key: str
    is_held: bool = False

    @property
    def key(self) -> Key:
        """The record under its entity type."""
        return self.record_key, self.entity_type


class FormerHolder(NamedTuple):
    """A row of `build_former_holders`."""

    record_key: str
    entity_type: str
    unified_id: str
    created_release: int
    closed_release: int


class Issued(NamedTuple):
    """A row of `id_registry`, with its columns in the table's order."""

    unified_id: str
    entity_type: str
    status: str
    merged_into: str | None
    split_from: str | None
    created_release: int
    closed_release: int | None
    cause: str


class Change(NamedTuple):
    """A row of `id_changes`, with its columns in the table's order."""

    release: int
    record_key: str
    unified_id: str
    entity_type: str
    previous_id: str | None
    change: str
    cause: str


class Evidence(NamedTuple):
    """What may have moved records.

    Args:
        records: record_key and cause of records that changed, or were beside somebody who was erased.
        pairs: record_key_l, record_key_r and cause of labels and limits.
    """

    records: list[tuple[str, str]]
    pairs: list[tuple[str, ...]]


Row = TypeVar("Row", FormerHolder, Issued)


def read_rows(kind: type[Row], table: pa.Table) -> list[Row]:
    """The table's rows, of the columns that the kind names."""
    return [kind(*values) for values in tuples_of(table.select(kind._fields))]
