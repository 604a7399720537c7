"""The error tree: every error says where, what was got, what is allowed and how to fix it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class CdpError(Exception):
    """Base of all errors that cdp-spark raises on purpose.

    Args:
        where: the file and path, table, source or option the error is about.
        got: what was found there; never a person's value.
        allowed: what would have been accepted.
        fix: what the reader does next.
        said: the whole error as sentences, where they read better than the facts in a row.
    """

    exit_code = 1

    def __init__(self, where: str, *, got: str = "", allowed: str = "", fix: str = "", said: str = "") -> None:
        self.where = where
        self.said = said
        self.got = got
        self.allowed = allowed
        self.fix = fix
        super().__init__(self._message())

    def _message(self) -> str:
        if self.said:
            return f"{self.where}: {self.said}"
        facts = [f"got {self.got}" if self.got else "", f"allowed: {self.allowed}" if self.allowed else ""]
        text = f"{self.where}: {'; '.join(fact for fact in facts if fact)}".rstrip(": ")
        return f"{text}. Fix: {self.fix}" if self.fix else text

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the four parts when a Python worker sends the error to the driver."""
        return (_rebuild, (type(self), self.where, self.got, self.allowed, self.fix, self.said))


def _rebuild(kind: type[CdpError], where: str, *facts: str) -> CdpError:
    got, allowed, fix, said = facts
    return kind(where, got=got, allowed=allowed, fix=fix, said=said)


def raise_together(errors: Sequence[CdpError], kind: type[CdpError], where: str, *, got: str) -> None:
    """Raise the only error as it is, several as one that lists them; nothing for none.

    Args:
        errors: each with what it is about.
        kind: of the one that lists them.
        where: what all of them are about.
        got: what the list is of, such as `lost tables`.
    """
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise kind(where, got=f"{got}:" + "".join(f"\n  - {error}" for error in errors))


class ConfigError(CdpError):
    """The configuration or a command's arguments are wrong; nothing was run."""

    exit_code = 2


class ContractError(CdpError):
    """A table or frame is not of the shape that a part was promised."""

    exit_code = 3


class DataError(CdpError):
    """The input data cannot be used as it is."""

    exit_code = 4


class StateError(CdpError):
    """The warehouse is in a state that forbids what was asked: locked, unwritable, missing a release."""

    exit_code = 5


class InvalidProjectError(ConfigError):
    """All mistakes of a configuration at once.

    Args:
        errors: the single mistakes, in the order of the files.
    """

    def __init__(self, errors: Sequence[CdpError]) -> None:
        self.errors = tuple(errors)
        count = f"{len(errors)} {{}}error{'' if len(errors) == 1 else 's'}{{}}"
        is_config = all(isinstance(error, ConfigError) for error in errors)
        super().__init__(
            count.format("configuration ", "") if is_config else count.format("", " in configuration and data")
        )

    def _message(self) -> str:
        return "\n".join([f"{self.where}:", *(f"  - {error}" for error in self.errors)])

    def __reduce__(self) -> tuple[object, ...]:
        return (InvalidProjectError, (list(self.errors),))
