"""`${NAME}`: values from the environment, checked early and shown never."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from cdp_spark.config.base import Secret
from cdp_spark.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cdp_spark.config.documents.document import Document, Location

Value = TypeVar("Value")

_PLACEHOLDER = re.compile(r"\$(\$)?\{([^{}]*)\}")
_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_SECRET = (
    r"pass(?:word|wd|phrase|code)?|pwd|token|credentials?|secret(?:[._-]?key)?|(?:access|account|api|private)[._-]?key"
)
_SECRET_KEY = re.compile(rf"(?:{_SECRET})$|account\.key\.", re.I)
_SECRET_IN_TEXT = re.compile(
    rf"""(?:{_SECRET}|sig|signature)\s*=\s*(?!\s|\$\{{|[;&?]|$)     # password=x, and not password=${{NAME}}
    |://[^/@\s${{}}]+:[^/@\s${{}}]+@                              # //user:x@host
    |:thin:[^/@\s${{}}]+/[^/@\s${{}}]+@                           # jdbc:oracle:thin:user/x@host
    """,
    re.I | re.X,
)
_SQL = {"query", "dbtable", "prepareQuery", "sessionInitStatement"}
_SECRET_SECTIONS = {"options", "spark", "suppression", "destinations"}


def is_secret_key(key: object) -> bool:
    """Say whether a setting of this name holds a secret, going by its end: `password`, `fs.s3a.secret.key`."""
    return bool(_SECRET_KEY.search(str(key)))


def secret_mistakes(document: Document, env: Mapping[str, str]) -> Iterator[ConfigError]:
    """Find variables that are not set, malformed `${…}` and secrets written in clear.

    Args:
        document: a file's content, templates not yet replaced.
        env: the environment.
    """
    for location, text in _texts(document.data):
        where = document.where(location)
        for escape, name in _PLACEHOLDER.findall(text):
            if not escape:
                yield from _name_mistakes(name, env, where)
        if "${" in _PLACEHOLDER.sub("", text):
            yield ConfigError(where, got="${ without }", allowed="${NAME}", fix="close it")
        if location[:1] == ("spark",) and str(location[-1]).endswith("JavaOptions") and _names_variable(text):
            got = "a variable in options that stand on Java's command line, for all users of the machine to read"
            yield ConfigError(where, got=got, fix="give Java a file with it, by its path")
        if _is_clear_secret(location, text):
            yield ConfigError(
                where,
                got="a secret in clear",
                allowed="${NAME} of an environment variable",
                fix="set a variable to the secret, name it here, and change the secret: it was in a file",
            )


def reveal(value: Value, env: Mapping[str, str]) -> Value:
    """Put the environment's values in the place of `${NAME}`, `$${` in the place of an escaped `${`.

    Args:
        value: a model, or a part of one.
        env: the environment; names every variable that the value mentions.
    Returns: the value with a `Secret` for each text that had a placeholder.
    """
    revealed: Any = value
    if isinstance(value, BaseModel):
        fields = {name: getattr(value, name) for name in type(value).model_fields}
        changed = {name: new for name, old in fields.items() if (new := reveal(old, env)) is not old}
        revealed = value.model_copy(update=changed) if changed else value
    elif isinstance(value, str):
        revealed = _revealed_text(value, env)
    elif isinstance(value, dict | tuple):
        revealed = _revealed_items(value, env)
    return revealed  # type: ignore[no-any-return]


def _revealed_items(
    value: dict[Any, Any] | tuple[Any, ...], env: Mapping[str, str]
) -> dict[Any, Any] | tuple[Any, ...]:
    if isinstance(value, dict):
        entries = {key: reveal(item, env) for key, item in value.items()}
        return entries if any(entries[key] is not item for key, item in value.items()) else value
    items = tuple(reveal(item, env) for item in value)
    return items if any(new is not old for new, old in zip(items, value, strict=True)) else value


def _revealed_text(text: str, env: Mapping[str, str]) -> str:
    if "${" not in text:
        return text
    revealed = _PLACEHOLDER.sub(lambda match: match[0][1:] if match[1] else env[match[2]], text)
    from_environment = any(not match[1] for match in _PLACEHOLDER.finditer(text))
    return Secret(revealed, text) if from_environment else revealed


def _name_mistakes(name: str, env: Mapping[str, str], where: str) -> Iterator[ConfigError]:
    if not _NAME.match(name):
        allowed = "${NAME} of letters, digits and _"
        yield ConfigError(where, got=f"${{{name}}}", allowed=allowed, fix="write a variable's name")
    elif name not in env:
        yield ConfigError(
            where,
            got=f"${{{name}}}, which is not set",
            allowed="a variable of the environment",
            fix=f"export {name}=… before the run",
        )


def _is_clear_secret(location: Location, text: str) -> bool:
    key = location[-1] if location else ""
    in_section = bool(_SECRET_SECTIONS.intersection(location[:-1]))
    if (in_section or key == "path") and key not in _SQL and _SECRET_IN_TEXT.search(text):
        return True
    return in_section and bool(text) and is_secret_key(key) and not _names_variable(text)


def _names_variable(text: str) -> bool:
    return any(not escape for escape, _ in _PLACEHOLDER.findall(text))


def _texts(data: object, location: Location = ()) -> Iterator[tuple[Location, str]]:
    if isinstance(data, str):
        yield location, data
    elif isinstance(data, dict):
        for key, item in data.items():
            yield from _texts(item, (*location, key))
    elif isinstance(data, list):
        for index, item in enumerate(data):
            yield from _texts(item, (*location, index))
