"""Expression text to tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

from cdp_spark.errors import ConfigError

MAX_CHARACTERS = 50_000

TokenKind = Literal["word", "number", "text", "symbol", "end"]

_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<word>score\.[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?|offer\.[0-9]+\.[A-Za-z_]\w*"
    r"|(?:trait\.|account\.(?:attributes\.)?)?[A-Za-z_]\w*)"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)(?![A-Za-z0-9_.])"
    r"|(?P<text>'(?:[^']|'')*')"
    r"|(?P<symbol><>|!=|<=|>=|[-+*/%=<>(),])",
    re.ASCII,
)
_FIXES = {
    "'": ("a text that does not end", "close it with ' and write '' for a ' inside"),
    '"': ("a double quote", "put text in single quotes; a column needs none"),
    "`": ("a backquote", "write the column's name as it is"),
    ".": (
        "a dot",
        "write trait.name for a trait, score.name for a score, offer.1.product_id for an offer, account.name for a "
        "column of the account, attribute('name') for an own attribute, has_consent('purpose') for a consent",
    ),
    ";": ("a semicolon", "write one expression"),
}


@dataclass(frozen=True)
class Token:
    """A piece of an expression.

    Args:
        kind: what it is.
        text: as written; keywords and function names in lower case through `keyword`.
        offset: characters before it.
    """

    kind: TokenKind
    text: str
    offset: int

    @property
    def keyword(self) -> str:
        """The token in lower case when it can be a keyword or symbol, nothing for texts and numbers."""
        return self.text.lower() if self.kind in ("word", "symbol") else ""

    @property
    def shown(self) -> str:
        """How an error names it: never a text's content, which may be a person's value."""
        return {"text": "a text", "end": "the end"}.get(self.kind, f"'{self.text}'")


def tokenise(text: str, *, where: str) -> list[Token]:
    """Split an expression into tokens, the last of kind `end`.

    Args:
        text: the expression.
        where: how errors name it.

    Raises:
        ConfigError: a character that no token starts with, a text without end, or an expression too long.
    """
    if len(text) > MAX_CHARACTERS:
        raise ConfigError(where, got=f"{len(text)} characters", allowed=f"{MAX_CHARACTERS}", fix="split the condition")
    tokens: list[Token] = []
    offset = 0
    while offset < len(text):
        match = _TOKEN.match(text, offset)
        if match is None:
            raise _unreadable(text, offset, where)
        if match.lastgroup != "space":
            tokens.append(Token(cast("TokenKind", match.lastgroup), match[0], offset))
        offset = match.end()
    return [*tokens, Token("end", "", len(text))]


def place(where: str, text: str, offset: int) -> str:
    """Name a place in an expression by line and column, from 1."""
    line = text.count("\n", 0, offset) + 1
    column = offset - text.rfind("\n", 0, offset)
    return f"{where} at {line}:{column}"


def _unreadable(text: str, offset: int, where: str) -> ConfigError:
    character = text[offset]
    got, fix = _FIXES.get(character, (f"the character {character!r}", "remove it"))
    if character.isdigit():
        got, fix = "a malformed number", "write digits, with a point for decimals"
    return ConfigError(place(where, text, offset), got=got, fix=fix)
