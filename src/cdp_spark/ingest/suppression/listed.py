"""Who must not come back, found in delivered rows: by the columns that identify somebody, and by e-mails in texts.

Whatever standardising would read as an identifier is read here in the same way: each of several columns, columns that
are glued to one value, every value in a cell, and phones by the country that the row names.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import partial, reduce
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark.columns import NATIONAL_ID
from cdp_spark.ingest.staging.paths import value_at
from cdp_spark.normalise.batches import map_distinct_rows
from cdp_spark.normalise.hashing import record_key as key_of_record
from cdp_spark.normalise.identifiers import searched_identifiers
from cdp_spark.normalise.keyed_hashing import EMAIL, EMAIL_SHA256, PHONE, SOURCE_RECORD, keyed_hash
from cdp_spark.normalise.people.countries import country_code
from cdp_spark.normalise.placeholders import first_said, joined
from cdp_spark.normalise.text import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cdp_spark.config.mapping import ColumnMapping
    from cdp_spark.config.source import SourceConfig
    from cdp_spark.normalise.keyed_hashing import SuppressionList

_AROUND_EMAILS = (re.compile(r"[=:{}\\]"), re.compile(r"[=:{}\\']"))
"""What parts an e-mail from other words in a line that is no row; some mailboxes have an apostrophe."""


@dataclass(frozen=True)
class Listed:
    """A suppression list, as rows of one source, or of none that is configured, are asked for it.

    Args:
        suppressions: the list.
        region: country of phones that name none.
        source: of the rows; None looks at e-mails in their texts only.
        visitors_region: country by which phones of visitors are read, whatever their source's is.
    """

    suppressions: SuppressionList
    region: str
    source: SourceConfig | None = None
    visitors_region: str | None = None

    def holds(self, kind: str, text: str, *, country: str | None = None) -> bool:
        """Tell whether an identifier that a text names is on the list.

        Args:
            kind: type of identifier.
            text: as received.
            country: ISO code that the row names; None reads phones by the source's.
        """
        if kind == SOURCE_RECORD:
            return self._has(kind, text)
        regions = {country or self.region, self.visitors_region or self.region} if kind == PHONE else {self.region}
        forms = self.suppressions.forms
        return any(
            self._has(*pair) for it in regions for pair in searched_identifiers(kind, text, region=it, forms=forms)
        )

    def mentions(self, text: str) -> bool:
        """Tell whether an e-mail somewhere in a text is on the list."""
        cleaned = clean_text(text)
        if "@" not in cleaned:
            return False
        texts = (cleaned, *(around.sub(" ", cleaned) for around in _AROUND_EMAILS))
        return any(self.holds(EMAIL, it) for it in texts)

    def mark_rows(self, rows: pa.Table, record_keys: pa.Array, texts: pa.Array) -> pa.Array:
        """Tell for each row whether it is one to leave out.

        Args:
            rows: columns of text.
            record_keys: of the rows; nulls where they are no records.
            texts: of rows that are refused; null of the others.
        """
        found = [
            map_distinct_rows([rows[name] for name in there], partial(self._holds_cells, origin, there), pa.bool_())
            for origin in self._origins()
            if (there := tuple(name for name in origin.read if name in rows.column_names))
        ]
        found.append(map_distinct_rows([texts], partial(_holds_text, self.mentions), pa.bool_()))
        if SOURCE_RECORD in self.suppressions.kinds:
            of_record = partial(_holds_text, partial(self.holds, SOURCE_RECORD))
            found.append(map_distinct_rows([record_keys], of_record, pa.bool_()))
        return reduce(pc.or_, found)

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
        of_columns = any(
            self._holds_cells(it, it.read, *(value_at(values, name) for name in it.read)) for it in self._origins()
        )
        return of_columns or self._holds_record(values)

    def _holds_cells(self, origin: Origin, names: Sequence[str], *cells: str | None) -> bool:
        """Tell whether a row's cells hold an identifier on the list, each by itself or glued."""
        row = dict(zip(names, cells, strict=True))
        texts = [text for name in origin.columns if (text := row.get(name)) is not None]
        if not texts:
            return False
        if origin.join is not None:
            texts.append(joined(origin.join, *texts))
        country = _country(origin.country, row) if origin.country else None
        return any(self.holds(origin.kind, text, country=country) for text in texts)

    def _holds_record(self, values: Mapping[str, str | None]) -> bool:
        if self.source is None or self.source.kind != "records" or SOURCE_RECORD not in self.suppressions.kinds:
            return False
        parts = [(value_at(values, column) or "").strip() for column in self.source.key]
        if not all(parts):
            return False
        record_id = parts[0] if len(parts) == 1 else json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
        return self._has(SOURCE_RECORD, key_of_record(self.source.name, record_id))

    def _origins(self) -> list[Origin]:
        """Where the source's rows have something that identifies somebody whom the list could hold."""
        kinds = self.suppressions.kinds
        origins = identifying_origins(self.source) if self.source else []
        return [it for it in origins if it.kind in kinds or (it.kind == EMAIL and EMAIL_SHA256 in kinds)]

    def _has(self, kind: str, value: str) -> bool:
        return keyed_hash(kind, value, key=self.suppressions.key) in self.suppressions.hashes


class Origin(NamedTuple):
    """Where an identifier of a row comes from.

    Args:
        kind: type of identifier.
        columns: of the source.
        join: what glues the columns to one value; None where each has its own.
        country: where a phone's row names its country; None where it does not.
    """

    kind: str
    columns: tuple[str, ...]
    join: str | None = None
    country: ColumnMapping | None = None

    @property
    def read(self) -> tuple[str, ...]:
        """All columns that tell something."""
        return tuple(dict.fromkeys((*self.columns, *(self.country.from_ if self.country else ()))))


_SEARCHED = (EMAIL, PHONE, NATIONAL_ID)
"""Meanings of columns that are types of identifiers, too."""


def identifying_origins(source: SourceConfig) -> list[Origin]:
    """List where everything in a source's row comes from that identifies somebody."""
    mapped = source.columns.items()
    origins = [Origin(meaning, it.from_, it.join) for meaning, it in mapped if meaning in _SEARCHED and it.from_]
    origins += [Origin(kind, (column,)) for kind, column in source.identifiers.items()]
    origins += [
        Origin(kind, (column,)) for kind, column in (source.events.identifiers if source.events else {}).items()
    ]
    if source.consents:
        kinds = (EMAIL, PHONE) if source.consents.contact_type == "detect" else (source.consents.contact_type,)
        origins += [Origin(kind, (source.consents.contact,)) for kind in kinds]
    country = source.columns.get("country")
    return [it._replace(country=country) if it.kind == PHONE else it for it in origins]


def _country(origin: ColumnMapping, row: Mapping[str, str | None]) -> str | None:
    """Read the country that a row names as standardising does."""
    cells = [row.get(name) for name in origin.from_]
    text = origin.value or (joined(origin.join, *cells) if origin.join is not None else first_said(*cells))
    return country_code(clean_text(text)) if text else None


def _holds_text(holds: Callable[[str], bool], text: str | None) -> bool:
    return text is not None and holds(text)


def _row_of(text: str | None) -> Mapping[str, str | None]:
    if text is None or not text.startswith("{"):
        return {}
    try:
        row = json.loads(text)
    except ValueError:
        return {}
    return {name: value for name, value in row.items() if value is None or isinstance(value, str)}
