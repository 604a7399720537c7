"""From a source's own columns to raw values by meaning, one shape for all sources."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.config.source import ColumnMapping, IdentifierType, Meaning
from cdp_spark.standardise.people.birth_date import written_date_expr
from cdp_spark.standardise.placeholders import is_text_placeholder_expr
from cdp_spark.standardise.text import WHITE_SPACE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pyspark.sql import Column

    from cdp_spark.config.source import SourceConfig

CONTACTS: tuple[Meaning, ...] = ("email", "phone")
TEXTS = tuple(meaning for meaning in get_args(Meaning) if meaning not in CONTACTS)
"""Meanings that hold one text; the birth date's comes beside its reading."""
OTHER_IDENTIFIERS = tuple(kind for kind in get_args(IdentifierType) if kind not in CONTACTS)
BIRTH_DATE_WRITTEN = "birth_date_written"
DEFAULT_REGION = "default_region"

_SEVERAL_IN_A_CELL = ",|"
_CELL = "_cell"


@dataclass(frozen=True)
class RawMapping:
    """What a source's columns mean.

    Args:
        meanings: attribute to the columns that it comes from.
        identifiers: further identifiers, type to column.
        attributes: own attributes, name to column.
        default_region: ISO country of phones and postcodes that name none; None where nothing is known.
    """

    meanings: Mapping[Meaning, ColumnMapping]
    identifiers: Mapping[IdentifierType, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    default_region: str | None = None

    @classmethod
    def of_source(cls, source: SourceConfig, *, default_region: str) -> RawMapping:
        """The mapping of a configured source; the region where it names none of its own."""
        region = source.default_region or default_region
        return cls(source.columns, source.identifiers, source.attributes, region)

    def texts(self) -> set[str]:
        """The meanings and identifiers that the source has, contacts apart."""
        return {name for name in (*self.meanings, *self.identifiers) if name not in CONTACTS}

    @property
    def birth_date_formats(self) -> tuple[str, ...]:
        """How the source writes birth dates; none for every unambiguous way."""
        return self.meanings["birth_date"].formats if "birth_date" in self.meanings else ()

    def cells(self) -> dict[str, ColumnMapping]:
        """The origin of every raw value: by meaning or identifier, contacts by the first of their two slots."""
        texts: dict[str, ColumnMapping] = {name: its for name, its in self.meanings.items() if name not in CONTACTS}
        ids: dict[str, ColumnMapping] = {
            kind: _from_column(name) for kind, name in self.identifiers.items() if kind not in CONTACTS
        }
        contacts = {
            f"{contact}_{2 * at}{_CELL}": its
            for contact in CONTACTS
            for at, its in enumerate(self.contact_mappings(contact))
        }
        return {**texts, **ids, **contacts}

    def contact_mappings(self, contact: Meaning) -> tuple[ColumnMapping, ...]:
        """Where e-mails or phones come from, one column each, the most trusted first."""
        mapping = self.meanings.get(contact, ColumnMapping(value=""))
        further = [column for kind, column in self.identifiers.items() if kind == contact]
        if mapping.from_ and mapping.join is None:
            return tuple(_from_column(column) for column in dict.fromkeys((*mapping.from_, *further)))
        given = (mapping,) if mapping.from_ or mapping.value else ()
        return (*given, *map(_from_column, further))


def _from_column(column: str) -> ColumnMapping:
    return ColumnMapping.model_validate({"from": (column,)})


@dataclass(frozen=True)
class RawShape:
    """The raw columns that a set of mappings needs.

    Args:
        texts: meanings and identifiers that at least one mapping has.
        emails: columns with an e-mail; each cell may hold a second one.
        phones: the same for phones.
    """

    texts: frozenset[str]
    emails: tuple[str, ...]
    phones: tuple[str, ...]

    @classmethod
    def of(cls, mappings: Iterable[RawMapping]) -> RawShape:
        """The smallest shape that holds all the mappings."""
        chosen = tuple(mappings)
        texts = frozenset[str]().union(*(mapping.texts() for mapping in chosen))
        slots = {
            contact: max((2 * len(mapping.contact_mappings(contact)) for mapping in chosen), default=0)
            for contact in CONTACTS
        }
        emails, phones = (tuple(f"{contact}_{slot}" for slot in range(count)) for contact, count in slots.items())
        return cls(texts, emails, phones)

    @property
    def cleaned(self) -> tuple[str, ...]:
        """The columns that are cleaned as text: all but the phones, whose numbering plans look past what is typed."""
        return (*(name for name in (*TEXTS, *OTHER_IDENTIFIERS) if name in self.texts), *self.emails)

    @property
    def columns(self) -> tuple[str, ...]:
        """All raw columns, as `raw_columns` names them."""
        return (*self.cleaned, *self.phones, BIRTH_DATE_WRITTEN, DEFAULT_REGION, c.ATTRIBUTES)

    @property
    def cells(self) -> tuple[str, ...]:
        """The names that `RawMapping.cells` may have."""
        contacts = (f"{slot}{_CELL}" for slot in (*self.emails[::2], *self.phones[::2]))
        return (*(name for name in self.cleaned if name not in self.emails), *contacts)


def mapped_columns(mapping: RawMapping, shape: RawShape, column: Callable[[str], Column]) -> list[Column]:
    """A row's raw values by meaning, null where the source has none.

    Args:
        mapping: what the row's columns mean.
        shape: the columns wanted.
        column: gives a source column by its name.
    Returns: `shape.columns`.
    """
    cells = {name: origin_expr(origin, column) for name, origin in mapping.cells().items()}
    birth_date = cells.get(c.BIRTH_DATE, _nothing())
    own = [
        part
        for name, source_column in sorted(mapping.attributes.items())
        for part in (F.lit(name), said_expr(column(source_column).cast("string")))
    ]
    attributes = F.create_map(*own) if own else F.create_map().cast("map<string,string>")
    return raw_columns(
        shape,
        cells,
        birth_date_written=written_birth_date_expr(birth_date, mapping.birth_date_formats),
        region=F.lit(mapping.default_region).cast("string"),
        attributes=attributes,
    )


def raw_columns(
    shape: RawShape, cells: Mapping[str, Column], *, birth_date_written: Column, region: Column, attributes: Column
) -> list[Column]:
    """The raw columns of a shape, from their parts.

    Args:
        shape: the columns wanted.
        cells: values of the fields in `shape.cells`; one that is missing is null.
        birth_date_written: as `written_birth_date_expr` gives it.
        region: ISO country of phones and postcodes that name none.
        attributes: map of own attributes, null where a cell says nothing.
    Returns: `shape.columns`.
    """
    given = {name: cells.get(name, _nothing()).cast("string") for name in shape.cells}
    contacts = _slots(shape.emails, given) | _slots(shape.phones, given)
    values = {
        **contacts,
        **given,
        BIRTH_DATE_WRITTEN: birth_date_written,
        DEFAULT_REGION: region,
        c.ATTRIBUTES: F.map_filter(attributes, lambda _, value: value.isNotNull()),
    }
    return [values[name].alias(name) for name in shape.columns]


def written_birth_date_expr(cell: Column, formats: Iterable[str]) -> Column:
    """A birth date's cell as `written_date_expr` reads it."""
    return written_date_expr(F.btrim(cell.cast("string"), F.lit(WHITE_SPACE)), formats)


def _nothing() -> Column:
    return F.lit(None).cast("string")


def origin_expr(mapping: ColumnMapping, column: Callable[[str], Column]) -> Column:
    """The mapping's value: a literal, several columns glued, or the first column that says something.

    Args:
        mapping: where the value comes from.
        column: gives a source column by its name.
    """
    if mapping.value is not None:
        return F.lit(mapping.value)
    texts = [column(name).cast("string") for name in mapping.from_]
    if mapping.join is not None:
        return F.concat_ws(mapping.join, *(said_expr(text) for text in texts))
    if len(texts) == 1:
        return texts[0]
    return F.coalesce(*(said_expr(text) for text in texts), *texts)


def said_expr(text: Column) -> Column:
    """A trimmed text, null where it is blank or a placeholder."""
    trimmed = F.btrim(text, F.lit(WHITE_SPACE))
    return F.when((trimmed != "") & ~is_text_placeholder_expr(trimmed), trimmed)


def _slots(slots: tuple[str, ...], cells: Mapping[str, Column]) -> dict[str, Column]:
    """Two slots a cell: what stands before its first `;`, `,` or `|`, and what stands after it."""
    values: dict[str, Column] = {}
    for at in range(0, len(slots), 2):
        cell = F.translate(cells[f"{slots[at]}{_CELL}"], _SEVERAL_IN_A_CELL, ";" * len(_SEVERAL_IN_A_CELL))
        first = F.substring_index(cell, ";", 1)
        values[slots[at]] = first
        values[slots[at + 1]] = F.when(cell.contains(";"), F.substr(cell, F.length(first) + F.lit(2)))
    return values
