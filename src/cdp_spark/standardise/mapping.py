"""From a source's own columns to raw values by meaning, one shape for all sources."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

from pyspark.sql import functions as F
from pyspark.sql import types as T

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


def raw_values_expr(mapping: RawMapping, shape: RawShape, column: Callable[[str], Column]) -> Column:
    """One struct of a row's raw values by meaning, null where the source has none.

    Args:
        mapping: what the row's columns mean.
        shape: the struct's fields: strings, `birth_date_written`, `default_region` and `attributes`.
        column: gives a source column by its name.
    """
    origins = {**dict.fromkeys((*shape.cleaned, *shape.phones)), **_origins(mapping, shape, column)}
    texts = [_text(origin).alias(name) for name, origin in origins.items()]
    birth_date_mapping = mapping.meanings.get("birth_date")
    formats = birth_date_mapping.formats if birth_date_mapping else ()
    birth_text = F.btrim(_text(origins.get(c.BIRTH_DATE)), F.lit(WHITE_SPACE))
    written = written_date_expr(birth_text, formats)
    region = F.lit(mapping.default_region).cast("string")
    own = {name: column(source_column) for name, source_column in sorted(mapping.attributes.items())}
    return F.struct(
        *texts, written.alias(BIRTH_DATE_WRITTEN), region.alias(DEFAULT_REGION), _attributes(own).alias(c.ATTRIBUTES)
    )


def _text(origin: Column | None) -> Column:
    return F.lit(None).cast("string") if origin is None else origin.cast("string")


def _origins(mapping: RawMapping, shape: RawShape, column: Callable[[str], Column]) -> dict[str, Column]:
    texts: dict[str, Column] = {
        name: _origin(its, column) for name, its in mapping.meanings.items() if name not in CONTACTS
    }
    identifiers: dict[str, Column] = {
        kind: column(name) for kind, name in mapping.identifiers.items() if kind not in CONTACTS
    }
    emails = _slots(mapping.contact_mappings("email"), shape.emails, column)
    phones = _slots(mapping.contact_mappings("phone"), shape.phones, column)
    return {**texts, **identifiers, **emails, **phones}


def _origin(mapping: ColumnMapping, column: Callable[[str], Column]) -> Column:
    """The mapping's value: a literal, several columns glued, or the first column that says something."""
    if mapping.value is not None:
        return F.lit(mapping.value)
    texts = [column(name).cast("string") for name in mapping.from_]
    if mapping.join is not None:
        return F.concat_ws(mapping.join, *(_said_expr(text) for text in texts))
    if len(texts) == 1:
        return texts[0]
    return F.coalesce(*(_said_expr(text) for text in texts), *texts)


def _said_expr(text: Column) -> Column:
    trimmed = F.btrim(text, F.lit(WHITE_SPACE))
    return F.when((trimmed != "") & ~is_text_placeholder_expr(trimmed), trimmed)


def _slots(
    mappings: Iterable[ColumnMapping], slots: tuple[str, ...], column: Callable[[str], Column]
) -> dict[str, Column]:
    """Two slots a column: what stands before the first `;`, `,` or `|` of a cell, and what stands after it."""
    values: list[Column] = []
    for mapping in mappings:
        cell = F.translate(_origin(mapping, column), _SEVERAL_IN_A_CELL, ";" * len(_SEVERAL_IN_A_CELL))
        first = F.substring_index(cell, ";", 1)
        values += [first, F.when(cell.contains(";"), F.substr(cell, F.length(first) + F.lit(2)))]
    return dict(zip(slots, values, strict=False))


def _attributes(own: Mapping[str, Column]) -> Column:
    kind = T.MapType(T.StringType(), T.StringType())
    if not own:
        return F.create_map().cast(kind)
    pairs = [part for name, value in own.items() for part in (F.lit(name), _said_expr(value.cast("string")))]
    return F.map_filter(F.create_map(*pairs), lambda _, value: value.isNotNull())
