"""Reading tokens one by one."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from cdp_spark.config.expressions.grammar.tokens import Token, place, tokenise
from cdp_spark.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 25
"""Levels of nesting; what walks a tree is recursive."""


class Cursor:
    """A place in an expression's tokens.

    Args:
        text: the expression.
        where: how errors name it.
    """

    def __init__(self, text: str, where: str) -> None:
        self._text = text
        self._where = where
        self._tokens = tokenise(text, where=where)
        self._index = 0
        self._depth = 0
        self._operators: Counter[str] = Counter()

    @property
    def next(self) -> Token:
        """The token to be read."""
        return self._tokens[self._index]

    @property
    def after_next(self) -> Token:
        """The token behind it."""
        return self._tokens[min(self._index + 1, len(self._tokens) - 1)]

    def take(self) -> Token:
        """Read a token; the end is never passed."""
        token = self.next
        self._index += token.kind != "end"
        return token

    def skip(self, keyword: str) -> bool:
        """Read the token if it is this keyword or symbol; say whether it was."""
        found = self.next.keyword == keyword
        self._index += found
        return found

    def expect(self, keyword: str) -> None:
        """Read this keyword or symbol; refuse anything else."""
        if not self.skip(keyword):
            self.refuse(self.next, allowed=f"'{keyword}'")

    def refuse(self, token: Token, *, got: str = "", allowed: str = "", fix: str = "") -> NoReturn:
        """Raise a `ConfigError` about a token."""
        where = place(self._where, self._text, token.offset)
        raise ConfigError(where, got=got or token.shown, allowed=allowed, fix=fix)

    def count(self, operators: str, *, limit: int, fix: str) -> None:
        """Count an operator of a group; refuse too many in one expression."""
        self._operators[operators] += 1
        if self._operators[operators] > limit:
            self.refuse(self.next, got=f"more than {limit} {operators}", fix=fix)

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """Go down a level of nesting and up again; refuse too many."""
        if self._depth == MAX_DEPTH:
            self.refuse(self.next, got=f"more than {MAX_DEPTH} levels", fix="split it into several segments")
        self._depth += 1
        yield
        self._depth -= 1
