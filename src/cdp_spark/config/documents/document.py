"""A YAML file as plain data with the position of every value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from cdp_spark.config.documents.compose import MAX_DEPTH, TAG_BOOL, TAG_FLOAT, TAG_INT, TAG_NULL, TAG_STR, compose
from cdp_spark.errors import ConfigError, InvalidProjectError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Location: TypeAlias = tuple[str | int, ...]

MAX_VALUES = 50_000
"""Values after the aliases are expanded; more is an alias bomb."""

_SCALARS: dict[str, Callable[[str], Json]] = {
    TAG_NULL: lambda _: None,
    TAG_BOOL: lambda text: text.lower() == "true",
    TAG_INT: int,
    TAG_FLOAT: float,
    TAG_STR: str,
}


@dataclass(frozen=True)
class Document:
    """A file's content.

    Args:
        name: the file as it is shown in errors.
        data: the content.
        values: location of a value to its line and column.
        keys: location of a value to the line and column of its key.
    """

    name: str
    data: Json
    values: dict[Location, str]
    keys: dict[Location, str]

    def where(self, location: Location, *, at_key: bool = False) -> str:
        """Name the place of a value, `conf/match.yaml:12:5 person.comparisons.2.method`.

        Args:
            location: keys and indexes from the root; where it does not exist, the nearest ancestor's place is named.
            at_key: point at the key rather than at its value.
        """
        marks = self.keys if at_key else self.values
        present = next(location[:end] for end in range(len(location), -1, -1) if location[:end] in self.values)
        at = marks.get(present, self.values[present])
        return f"{self.name}:{at} {'.'.join(map(str, location))}".rstrip()


@dataclass
class _Reading:
    """What is known of a document while its nodes are walked."""

    name: str
    values: dict[Location, str] = field(default_factory=dict)
    keys: dict[Location, str] = field(default_factory=dict)
    mistakes: list[ConfigError] = field(default_factory=list)

    def refuse(self, node: Node, *, got: str, allowed: str, fix: str) -> None:
        self.mistakes.append(ConfigError(f"{self.name}:{_position(node)}", got=got, allowed=allowed, fix=fix))


def read_document(path: Path) -> Document:
    """Read a YAML file.

    Args:
        path: the file; errors name it as it is written here.

    Raises:
        ConfigError: the file is missing, unreadable or not a single YAML document.
        InvalidProjectError: duplicate keys, tags or too many aliases; all of them at once.
    """
    name = str(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        got = (error.strerror or "an unreadable file").lower()
        raise ConfigError(name, got=got, allowed="a readable file", fix="check the path") from None
    return parse_document(content, name=name)


def parse_document(content: bytes, *, name: str) -> Document:
    """Read YAML bytes; errors as in `read_document`."""
    reading = _Reading(name)
    data = _value(compose(content, name=name), (), reading)
    if reading.mistakes:
        raise InvalidProjectError(reading.mistakes)
    return Document(name, data, reading.values, reading.keys)


def _value(node: Node, location: Location, reading: _Reading) -> Json:
    if len(reading.values) >= MAX_VALUES or len(location) > MAX_DEPTH:
        reading.refuse(
            node, got="aliases that expand without end", allowed=f"{MAX_VALUES} values", fix="write values out"
        )
        raise InvalidProjectError(reading.mistakes)
    reading.values[location] = _position(node)
    if isinstance(node, MappingNode):
        return _mapping(node, location, reading)
    if isinstance(node, SequenceNode):
        return [_value(item, (*location, index), reading) for index, item in enumerate(node.value)]
    return _scalar(node, reading)


def _mapping(node: MappingNode, location: Location, reading: _Reading) -> Json:
    data: dict[str, Json] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, ScalarNode):
            reading.refuse(
                key_node, got="a list as a key", allowed="text as a key", fix="write a name before the colon"
            )
            continue
        key = str(key_node.value)
        if key in data:
            first = reading.keys[(*location, key)]
            reading.refuse(key_node, got=f"the key '{key}' twice", allowed="a key once", fix=f"see also line {first}")
            continue
        reading.keys[(*location, key)] = _position(key_node)
        data[key] = _value(value_node, (*location, key), reading)
    return data


def _scalar(node: Node, reading: _Reading) -> Json:
    convert = _SCALARS.get(node.tag)
    try:
        if convert is not None:
            return convert(node.value)
    except ValueError:
        pass
    reading.refuse(node, got=f"the tag {node.tag}", allowed="values without a tag", fix="remove the tag")
    return None


def _position(node: Node) -> str:
    return f"{node.start_mark.line + 1}:{node.start_mark.column + 1}"
