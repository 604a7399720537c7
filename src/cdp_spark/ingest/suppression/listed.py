"""Who must not come back, found in delivered rows: by the columns that identify somebody, and by e-mails in texts."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark.columns import NATIONAL_ID
from cdp_spark.ingest.staging.paths import value_at
from cdp_spark.ingest.suppression.hashing import EMAIL, EMAIL_SHA256, PHONE, SOURCE_RECORD, keyed_hash
from cdp_spark.normalise.batches import map_distinct
from cdp_spark.normalise.hashing import record_key as key_of_record
from cdp_spark.normalise.identifiers import searched_identifiers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.config.source import SourceConfig

_EMAIL_IN_TEXT = re.compile(r"[^\s,;|<>\"'()]+@[^\s,;|<>\"'()]+")


@dataclass(frozen=True)
class SuppressionList:
    """What ingest leaves out.

    Args:
        key: of the hashes; not shown.
        hashes: of the identifiers.
        kinds: types of identifiers that the list holds; others need not be looked at.
    """

    key: bytes = field(repr=False)
    hashes: frozenset[str]
    kinds: frozenset[str]


@dataclass(frozen=True)
class Listed:
    """A suppression list, as rows of one source, or of none that is configured, are asked for it.

    Args:
        suppressions: the list.
        region: country of phones that name none.
        source: of the rows; None looks at e-mails in their texts only.
    """

    suppressions: SuppressionList
    region: str
    source: SourceConfig | None = None

    def holds(self, kind: str, text: str) -> bool:
        """Tell whether an identifier that a text names is on the list."""
        if kind == SOURCE_RECORD:
            return self._has(kind, text)
        return any(self._has(*pair) for pair in searched_identifiers(kind, text, region=self.region))

    def mentions(self, text: str) -> bool:
        """Tell whether an e-mail somewhere in a text is on the list."""
        return "@" in text and any(self.holds(EMAIL, email) for email in _EMAIL_IN_TEXT.findall(text))

    def mark_rows(self, rows: pa.Table, record_keys: pa.Array, texts: pa.Array) -> pa.Array:
        """Tell for each row whether it is one to leave out.

        Args:
            rows: columns of text.
            record_keys: of the rows; nulls where they are no records.
            texts: of rows that are refused; null of the others.
        """
        found = [
            map_distinct(rows[column], partial(self.holds, kind), pa.bool_())
            for kind, column in self._columns()
            if column in rows.column_names
        ]
        found.append(map_distinct(texts, self.mentions, pa.bool_()))
        if SOURCE_RECORD in self.suppressions.kinds:
            found.append(map_distinct(record_keys, partial(self.holds, SOURCE_RECORD), pa.bool_()))
        return reduce(pc.or_, [pc.fill_null(it, fill_value=False) for it in found])

    def is_listed(self, row: Mapping[str, str | None] | None, text: str | None) -> bool:
        """Tell of one row whether it is one to leave out.

        Args:
            row: its values by column; None reads them from its text, if that is JSON.
            text: of a refused row.
        """
        values = row if row is not None else _row_of(text)
        if text is not None and self.mentions(text):
            return True
        if self.source is None:
            return any(self.mentions(value) for value in values.values() if value is not None)
        named = [(kind, value) for kind, column in self._columns() if (value := value_at(values, column)) is not None]
        return any(self.holds(kind, value) for kind, value in named) or self._holds_record(values)

    def _holds_record(self, values: Mapping[str, str | None]) -> bool:
        if self.source is None or self.source.kind != "records" or SOURCE_RECORD not in self.suppressions.kinds:
            return False
        parts = [(value_at(values, column) or "").strip() for column in self.source.key]
        if not all(parts):
            return False
        record_id = parts[0] if len(parts) == 1 else json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
        return self._has(SOURCE_RECORD, key_of_record(self.source.name, record_id))

    def _columns(self) -> list[tuple[str, str]]:
        """(type, column) of everything in the source's rows that identifies somebody whom the list could hold."""
        kinds = self.suppressions.kinds
        pairs = identifying_columns(self.source) if self.source else []
        return [(kind, column) for kind, column in pairs if kind in kinds or (kind == EMAIL and EMAIL_SHA256 in kinds)]

    def _has(self, kind: str, value: str) -> bool:
        return keyed_hash(kind, value, key=self.suppressions.key) in self.suppressions.hashes


_SEARCHED = (EMAIL, PHONE, NATIONAL_ID)
"""Meanings of columns that are types of identifiers, too."""


def identifying_columns(source: SourceConfig) -> list[tuple[str, str]]:
    """List (type, column) of everything in a source's row that identifies somebody."""
    mapped = source.columns.items()
    pairs: list[tuple[str, str]] = [
        (meaning, name) for meaning, mapping in mapped if meaning in _SEARCHED for name in mapping.from_
    ]
    pairs += list(source.identifiers.items())
    pairs += list(source.events.identifiers.items()) if source.events else []
    if source.consents:
        kinds = (EMAIL, PHONE) if source.consents.contact_type == "detect" else (source.consents.contact_type,)
        pairs += [(kind, source.consents.contact) for kind in kinds]
    return sorted(set(pairs))


def _row_of(text: str | None) -> Mapping[str, str | None]:
    if text is None or not text.startswith("{"):
        return {}
    try:
        row = json.loads(text)
    except ValueError:
        return {}
    return {name: value for name, value in row.items() if value is None or isinstance(value, str)}
