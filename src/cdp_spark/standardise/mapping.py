"""What a source's columns mean, and how a value comes from one column, from several, or from none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

from cdp_spark.config.mapping import BUILT_IN_TYPES, ColumnMapping, IdentifierType
from cdp_spark.config.source import Meaning
from cdp_spark.normalise.identifiers import BUILT_IN_FORMS, Forms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.config.source import SourceConfig
    from cdp_spark.normalise.dates import DateOrder

CONTACTS: tuple[Meaning, ...] = ("email", "phone")
TEXTS: tuple[Meaning, ...] = tuple(meaning for meaning in get_args(Meaning) if meaning not in CONTACTS)
"""Meanings that hold one text."""


@dataclass(frozen=True)
class RawMapping:
    """What a source's columns mean.

    Args:
        meanings: attribute to the columns that it comes from.
        identifiers: further identifiers, type to column.
        attributes: own attributes, name to column.
        default_region: ISO country of phones and postcodes that name none; None where nothing is known.
        date_order: order of day and month in birth dates without formats; None where it is unknown.
        forms: how types of identifiers are written.
    """

    meanings: Mapping[Meaning, ColumnMapping]
    identifiers: Mapping[IdentifierType, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    default_region: str | None = None
    date_order: DateOrder | None = None
    forms: Forms = field(default_factory=lambda: BUILT_IN_FORMS)

    @classmethod
    def of_source(cls, source: SourceConfig, *, default_region: str, forms: Forms = BUILT_IN_FORMS) -> RawMapping:
        """Return the mapping of a configured source; the default region where it names none of its own."""
        region = source.default_region or default_region
        return cls(source.columns, source.identifiers, source.attributes, region, source.date_order, forms)

    @property
    def birth_date_formats(self) -> tuple[str, ...]:
        """How the source writes birth dates; none for every unambiguous way."""
        formats = self.meanings["birth_date"].formats if "birth_date" in self.meanings else ()
        return formats or (() if self.date_order is None else (self.date_order,))

    @property
    def columns(self) -> list[str]:
        """The source columns that the mapping names, once each."""
        named = [column for origin in self.meanings.values() for column in origin.from_]
        return list(dict.fromkeys((*named, *self.identifiers.values(), *self.attributes.values())))

    def text_mappings(self) -> dict[str, ColumnMapping]:
        """Return where each text comes from, by meaning or type of identifier; contacts are left out."""
        texts: dict[str, ColumnMapping] = {name: self.meanings[name] for name in TEXTS if name in self.meanings}
        return texts | {kind: from_column(self.identifiers[kind]) for kind in self.other_identifiers}

    @property
    def other_identifiers(self) -> list[IdentifierType]:
        """The types of identifiers other than contacts: those that every project has first."""
        built_in = [kind for kind in BUILT_IN_TYPES if kind in self.identifiers and kind not in CONTACTS]
        return [*built_in, *self.own_identifiers]

    @property
    def own_identifiers(self) -> list[IdentifierType]:
        """The project's own types of identifiers."""
        return sorted(set(self.identifiers) - {*BUILT_IN_TYPES})

    def contact_mappings(self, contact: Meaning) -> tuple[ColumnMapping, ...]:
        """Return where e-mails or phones come from, one cell each, the most trusted first."""
        mapping = self.meanings.get(contact, ColumnMapping(value=""))
        further = [column for kind, column in self.identifiers.items() if kind == contact]
        if mapping.from_ and mapping.join is None:
            return tuple(from_column(column) for column in dict.fromkeys((*mapping.from_, *further)))
        given = (mapping,) if mapping.from_ or mapping.value else ()
        return (*given, *map(from_column, further))


def from_column(column: str) -> ColumnMapping:
    """Return the mapping of a value that one column holds as it is."""
    return ColumnMapping.model_validate({"from": (column,)})
