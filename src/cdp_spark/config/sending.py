"""What destinations are sent, and when: the columns of a row, caps and quiet hours of a channel."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, NamedTuple, Self

from pydantic import BeforeValidator, Field, model_validator

from cdp_spark.config.base import Shorthand, Strict, mistake

TEMPLATE_NAME = re.compile(r"\{([^{}]*)\}")
SEGMENTS = "segments"
"""The column with the segments that a row came by."""
_BARE_PREFIXES = ("attributes.", "trait.", "identifiers.")
"""What a column loses when it is written: `attributes.tier` is sent as `tier`."""


class TemplateName(NamedTuple):
    """A column that a template names.

    Args:
        column: its name.
        otherwise: what stands for a missing value; None leaves the whole text out.
    """

    column: str
    otherwise: str | None = None

    @classmethod
    def read(cls, text: str) -> TemplateName:
        """Read `COLUMN` or `COLUMN|text`."""
        column, bar, otherwise = text.partition("|")
        return cls(column.strip(), otherwise if bar else None)


class SentColumn(Shorthand):
    """A column of what a destination gets. A name alone, such as `email` or `trait.spend`, stands for `{of: email}`."""

    main_key: ClassVar[str] = "of"

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")] | None = None
    """Name at the destination. Without it `attributes.NAME`, `trait.NAME` and `identifiers.NAME` are sent as NAME, and
    others with `_` for each dot."""
    of: str | None = None
    """The column that is sent: a profile's, or one of its traits, scores, offers or account."""
    template: str | None = None
    """Text with `{COLUMN}`, or `{COLUMN|text}` where the text stands for a missing value. Without such a text a missing
    value leaves the whole column empty."""

    @model_validator(mode="after")
    def _one_content(self) -> Self:
        if (self.of is None) == (self.template is None):
            got = "neither `of` nor `template`" if self.of is None else "`of` and `template`"
            raise mistake(got=got, allowed="one of both", fix="write the column that is sent, or a text with columns")
        if self.template is not None and self.name is None:
            raise mistake(got="a template without a name", fix="add the key `name`", at=("template",))
        return self

    @property
    def written(self) -> str:
        """Its name at the destination."""
        if self.name is not None:
            return self.name
        bare = next((self.of for prefix in _BARE_PREFIXES if self.of and self.of.startswith(prefix)), None)
        return bare.partition(".")[2] if bare else str(self.of).replace(".", "_")

    @property
    def parts(self) -> tuple[str | TemplateName, ...]:
        """Of a template, its texts and names in turn."""
        pieces = TEMPLATE_NAME.split(self.template or "")
        return tuple(TemplateName.read(it) if at % 2 else it for at, it in enumerate(pieces))

    @property
    def read(self) -> tuple[str, ...]:
        """The columns that it reads."""
        if self.of is not None:
            return (self.of,)
        return tuple(dict.fromkeys(it.column for it in self.parts if isinstance(it, TemplateName)))


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


SentColumns = Annotated[tuple[SentColumn, ...], BeforeValidator(_as_tuple), Field(min_length=1)]


class Cap(Strict):
    """How many rows a profile gets by a channel."""

    at_most: Annotated[int, Field(ge=1)]
    """Rows that the destinations of the channel acknowledged, of all campaigns together."""
    within_days: Annotated[int, Field(ge=1, le=365)]
    """Days before the time of sending in which they count."""


class QuietHours(Strict):
    """When a channel sends nothing, on each person's clock."""

    start: Annotated[int, Field(ge=0, le=23)]
    """First hour without messages."""
    end: Annotated[int, Field(ge=0, le=23)]
    """Hour from which messages are sent again."""
    zone_attribute: str | None = None
    """Own attribute with the person's time zone, such as Europe/Berlin. Without one the country's zone counts, if it
    has only one, else the project's."""

    @model_validator(mode="after")
    def _is_a_span(self) -> Self:
        if self.start == self.end:
            raise mistake(got="quiet hours that never end", fix="let them end at another hour", at=("end",))
        return self

    def holds(self, hour: int) -> bool:
        """Tell whether an hour is a quiet one."""
        if self.start < self.end:
            return self.start <= hour < self.end
        return hour >= self.start or hour < self.end
