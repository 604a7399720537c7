"""YAML text to nodes: one document, scalars of YAML 1.2, every fault with line and column."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from yaml.composer import Composer, ComposerError
from yaml.error import MarkedYAMLError
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from cdp_spark.errors import ConfigError

if TYPE_CHECKING:
    from yaml.nodes import Node

MAX_DEPTH = 40
"""Levels of nesting; deeper text is an attack or an accident."""

TAG_NULL = "tag:yaml.org,2002:null"
TAG_BOOL = "tag:yaml.org,2002:bool"
TAG_INT = "tag:yaml.org,2002:int"
TAG_FLOAT = "tag:yaml.org,2002:float"
TAG_STR = "tag:yaml.org,2002:str"


class _CoreResolver(BaseResolver):
    """Only what YAML 1.2 calls a number, boolean or null is one: `no`, `01234` and `12:30:45` stay text."""


_CoreResolver.add_implicit_resolver(TAG_NULL, re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_CoreResolver.add_implicit_resolver(TAG_BOOL, re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_CoreResolver.add_implicit_resolver(TAG_INT, re.compile(r"^[-+]?(?:0|[1-9][0-9]{0,17})$"), list("-+0123456789"))
_CoreResolver.add_implicit_resolver(
    TAG_FLOAT,
    re.compile(r"^[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][-+]?[0-9]{1,2})?|[eE][-+]?[0-9]{1,2})$"),
    list("-+0123456789"),
)


class _CoreLoader(Reader, Scanner, Parser, Composer, _CoreResolver):
    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        _CoreResolver.__init__(self)
        self._depth = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ComposerError(None, None, f"more than {MAX_DEPTH} levels of nesting", self.get_mark())
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def compose(content: bytes, *, name: str) -> Node:
    """Read a file's only document.

    Args:
        content: the file's bytes: UTF-8, with or without a byte-order mark.
        name: the file as it is shown in errors.
    Returns: the root node.
    Raises: ConfigError: not UTF-8, not YAML, empty, several documents, or nested too deep.
    """
    text = _decoded(content, name)
    try:
        root = _CoreLoader(text).get_single_node()
    except MarkedYAMLError as error:
        raise _syntax_error(error, text, name) from None
    except ReaderError as error:
        at = position_of(text, error.position)
        raise ConfigError(f"{name}:{at}", got="a control character", fix="remove it") from None
    if root is None or root.tag == TAG_NULL:
        raise ConfigError(name, got="an empty file", allowed="keys and values", fix="fill it in or delete it")
    return root


def position_of(text: str, offset: int) -> str:
    """Count the line and column, from 1, of a place in a text."""
    before = text[:offset]
    return f"{before.count(chr(10)) + 1}:{offset - before.rfind(chr(10))}"


def _decoded(content: bytes, name: str) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ConfigError(name, got="UTF-16", allowed="UTF-8", fix="save the file as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = position_of(content[: error.start].decode("utf-8-sig"), error.start)
        raise ConfigError(f"{name}:{at}", got="a byte that is not UTF-8", fix="save the file as UTF-8") from None


def _syntax_error(error: MarkedYAMLError, text: str, name: str) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
    problem = error.problem or "unreadable text"
    if mark and text[mark.index : mark.index + 1] == "\t":
        return ConfigError(where, got="a tab", allowed="spaces", fix="indent with spaces")
    if "another document" in problem:
        return ConfigError(where, got="a second document", allowed="one document a file", fix="remove the `---`")
    return ConfigError(where, got=problem, allowed="YAML", fix="check indentation, colons and quotes")
