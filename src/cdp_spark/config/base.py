"""What all of the configuration shares: the strict model, its field types, secrets and wording of mistakes."""

from __future__ import annotations

import difflib
import zoneinfo
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic.json_schema import JsonSchemaValue


MIN_PREFIX = 3
"""Characters from which the beginning of a name suggests the name."""


class Secret(str):
    """A text that came from the environment: `str` for who uses it, `${NAME}` for who prints or serialises it.

    `repr`, the models' `repr` and `model_dump` show the template; `str(secret)` and f-strings give the value.
    """

    template: str

    def __new__(cls, value: str, template: str) -> Self:
        """Keep the template beside the value."""
        secret = super().__new__(cls, value)
        secret.template = template
        return secret

    def __repr__(self) -> str:
        return repr(self.template)

    def __reduce__(self) -> tuple[type[Secret], tuple[str, str]]:
        return (Secret, (str(self), self.template))

    def __str__(self) -> str:
        return str.__str__(self)


def hide_secrets(value: object) -> object:
    """Put the template in the place of each secret of a string, tuple or dictionary."""
    if isinstance(value, Secret):
        return value.template
    if isinstance(value, dict):
        return {key: hide_secrets(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(hide_secrets(item) for item in value)
    return value


class Strict(BaseModel):
    """A frozen model that refuses unknown keys and silent conversions."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    @model_serializer(mode="wrap")
    def _without_secrets(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        shown = {name: hide_secrets(getattr(self, name)) for name in type(self).model_fields}
        dumped: dict[str, Any] = serialise(self.model_copy(update=shown))
        return dumped


class Shorthand(Strict):
    """A model that may be written as the value of its main key alone."""

    main_key: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _from_main_key(cls, value: object) -> object:
        return {cls.main_key: value} if isinstance(value, str | list) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        written_out = handler.resolve_ref_schema(handler(schema))
        return {"anyOf": [written_out["properties"][cls.main_key], written_out]}


SafeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
"""A name that is safe as a table, file or column name."""


def one_or_several(value: object) -> object:
    """Take one text for a list of it."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Strings = Annotated[
    tuple[str, ...],
    BeforeValidator(one_or_several),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
"""Texts; a single one may be written without the list."""


def _known_zone(name: str) -> str:
    zones = zoneinfo.available_timezones()
    if name not in zones:
        near = nearest(name, zones)
        raise mistake(
            got=f"'{name}'",
            allowed="a name of the time-zone database, such as UTC or Europe/Amsterdam",
            fix=f"write '{near}'" if near else "write UTC if in doubt",
        )
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone)]
"""A zone's name, such as `Europe/Amsterdam`."""


def mistake(*, got: str = "", allowed: str = "", fix: str = "", at: tuple[str | int, ...] = ()) -> PydanticCustomError:
    """Make the error that a model's validator raises.

    Args:
        got: what was found.
        allowed: what would have been accepted.
        fix: what the reader does next.
        at: path of the value below the model, where one value is to blame.
    Returns: an error that the loader turns into a `ConfigError` with file, line and path.
    """
    return PydanticCustomError("mistake", "{got}", {"got": got, "allowed": allowed, "fix": fix, "at": at})


def check_distinct(names: Sequence[str], *, section: str, what: str = "") -> None:
    """Refuse a name that a section gives twice.

    Args:
        names: in the order of the section.
        section: its key.
        what: it names, such as `rule`.

    Raises:
        PydanticCustomError: for the validator that calls this.
    """
    each = f" {what}" if what else ""
    for position, name in enumerate(names):
        if name in names[:position]:
            raise mistake(
                got=f"a second{each} '{name}'", fix=f"give each{each} its own name", at=(section, position, "name")
            )


def choose_one(got: str, allowed: Iterable[str]) -> str:
    """Word the fix for a name that is not among the allowed ones, with the nearest of them."""
    near = nearest(got, allowed)
    return f"choose one of these (did you mean '{near}'?)" if near else "choose one of these"


def show_columns(names: Iterable[str]) -> str:
    """Name columns for an error; those of traits, scores, offers and accounts are too many, as `trait.…`."""
    named = list(names)
    plain = [name for name in named if "." not in name or name.startswith("attributes.")]
    return ", ".join(dict.fromkeys((*plain, *(f"{it.partition('.')[0]}.…" for it in named if it not in plain))))


def nearest(got: str, allowed: Iterable[str]) -> str | None:
    """Find the allowed name that looks most like what was got or that it begins, if any does."""
    names = {name.lower(): name for name in sorted(allowed, reverse=True)}
    close = difflib.get_close_matches(got.lower(), names, n=1, cutoff=0.6)
    begun = [name for name in sorted(names) if len(got) >= MIN_PREFIX and name.startswith(got.lower())]
    return next((names[name] for name in [*close, *begun]), None)
