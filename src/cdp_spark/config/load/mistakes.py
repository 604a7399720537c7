"""Pydantic's findings as errors with file, line, path, what was got, what is allowed and the fix."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cdp_spark.config.base import choose_one
from cdp_spark.config.load.fields import keys_at
from cdp_spark.config.load.secrets import is_secret_key
from cdp_spark.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

    from cdp_spark.config.documents.document import Document, Location

MAX_SHOWN = 60
"""Characters of a value that an error shows."""

_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true, false",
    "tuple_type": "a list",
    "dict_type": "keys and values",
    "model_type": "keys and values",
    "uuid_type": "a UUID",
    "uuid_parsing": "a UUID",
}
_FIXES = {
    "string_type": "put it in quotes",
    "int_type": "write a whole number without quotes",
    "float_type": "write a number without quotes",
    "bool_type": "write true or false without quotes",
    "tuple_type": "write a list: [a, b]",
    "uuid_parsing": "take one from `python -c 'import uuid; print(uuid.uuid4())'` and never change it",
}
_KINDS = ("union_tag_invalid", "union_tag_not_found")
_PATTERNS = {
    r"^[a-z][a-z0-9_]{0,62}$": "a lower-case letter, then lower-case letters, digits and _, 63 characters at most",
    r"^[A-Z]{2}$": "two capital letters, such as NL",
}


class _Wording(NamedTuple):
    got: str
    allowed: str = ""
    fix: str = ""


def mistakes_of(error: ValidationError, *, model: type[BaseModel], document: Document) -> list[ConfigError]:
    """Word every finding of a validation.

    Args:
        error: what pydantic found.
        model: what the document was validated as.
        document: the file, for lines and columns.
    """
    details = error.errors(include_url=False)
    return [_mistake(detail, model, document) for detail in details if not _is_echo(detail, details)]


def _is_echo(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """A list whose entries are wrong also counts as too short; once is enough."""
    own = detail["loc"]
    return detail["type"] == "too_short" and any(
        other["loc"][: len(own)] == own and len(other["loc"]) > len(own) for other in details
    )


def _mistake(detail: ErrorDetails, model: type[BaseModel], document: Document) -> ConfigError:
    path = detail["loc"]
    at_key = path[-1:] == ("[key]",) or detail["type"] == "extra_forbidden"
    location = _without_kinds(path[:-1] if path[-1:] == ("[key]",) else path, document.data)
    if detail["type"] == "mistake":
        location = (*location, *detail["ctx"]["at"])
    wording = _word(detail, location, model)
    location = (*location, "kind") if detail["type"] in _KINDS else location
    where = document.where(location, at_key=at_key)
    return ConfigError(where, got=wording.got, allowed=wording.allowed, fix=wording.fix)


def _without_kinds(path: Location, data: object) -> Location:
    """Leave out the `kind` that pydantic puts behind the place of a section of several kinds."""
    kept: list[str | int] = []
    for part in path:
        if isinstance(data, dict) and part not in data and data.get("kind") == part:
            continue
        kept.append(part)
        is_there = part in data if isinstance(data, dict) else isinstance(data, list) and isinstance(part, int)
        data = data[part] if is_there else None  # type: ignore[index]
    return tuple(kept)


def _word(detail: ErrorDetails, location: Location, model: type[BaseModel]) -> _Wording:
    kind = detail["type"]
    word = _WORDINGS.get(kind)
    if word is not None:
        return word(detail, location, model)
    got = _shown(detail["input"], location)
    if kind in _TYPES:
        return _Wording(got, _TYPES[kind], _FIXES.get(kind, "") if detail["input"] is not None else "give a value")
    return _Wording(got, detail["msg"].removeprefix("Input should be ").removeprefix("Value should be "))


def _unknown_key(detail: ErrorDetails, location: Location, model: type[BaseModel]) -> _Wording:
    allowed = keys_at(model, detail["loc"][:-1])
    key = str(location[-1])
    return _Wording(f"unknown key '{key}'", ", ".join(allowed), choose_one(key, allowed))


def _missing(_detail: ErrorDetails, location: Location, _model: type[BaseModel]) -> _Wording:
    return _Wording("nothing", fix=f"add the key `{location[-1]}`")


def _literal(detail: ErrorDetails, location: Location, _model: type[BaseModel]) -> _Wording:
    allowed = re.findall(r"'([^']*)'", detail["ctx"]["expected"])
    got = detail["input"]
    fix = choose_one(got, allowed) if isinstance(got, str) else "choose one of these"
    return _Wording(_shown(got, location), ", ".join(allowed), fix)


def _kind(detail: ErrorDetails, location: Location, _model: type[BaseModel]) -> _Wording:
    allowed = re.findall(r"'([^']*)'", detail["ctx"]["expected_tags"])
    got = detail["ctx"]["tag"]
    return _Wording(_shown(got, location), ", ".join(allowed), choose_one(got, allowed))


def _no_kind(_detail: ErrorDetails, _location: Location, _model: type[BaseModel]) -> _Wording:
    return _Wording("nothing", fix="add the key `kind`")


def _pattern(detail: ErrorDetails, location: Location, _model: type[BaseModel]) -> _Wording:
    pattern = detail["ctx"]["pattern"]
    return _Wording(_shown(detail["input"], location), _PATTERNS.get(pattern, f"text like {pattern}"))


def _length(detail: ErrorDetails, _location: Location, _model: type[BaseModel]) -> _Wording:
    bounds = detail["ctx"]
    allowed = f"at least {bounds['min_length']}" if "min_length" in bounds else f"at most {bounds['max_length']}"
    return _Wording(f"{bounds['actual_length']} entries", allowed)


def _own(detail: ErrorDetails, _location: Location, _model: type[BaseModel]) -> _Wording:
    return _Wording(detail["ctx"]["got"], detail["ctx"]["allowed"], detail["ctx"]["fix"])


_WORDINGS: dict[str, Callable[[ErrorDetails, Location, type[BaseModel]], _Wording]] = {
    "extra_forbidden": _unknown_key,
    "missing": _missing,
    "literal_error": _literal,
    "union_tag_invalid": _kind,
    "union_tag_not_found": _no_kind,
    "string_pattern_mismatch": _pattern,
    "too_short": _length,
    "too_long": _length,
    "mistake": _own,
}


def _shown(value: object, location: Location) -> str:
    if _is_hidden(location):
        return "a value that is not shown"
    if isinstance(value, str):
        return repr(value if len(value) <= MAX_SHOWN else f"{value[:MAX_SHOWN]}…")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    return {type(None): "nothing", dict: "keys and values"}.get(type(value), "a list")


def _is_hidden(location: Location) -> bool:
    """A secret, or a person's value that a steward set."""
    return any(is_secret_key(part) for part in location) or (location[:1] == ("overrides",) and "value" in location)
