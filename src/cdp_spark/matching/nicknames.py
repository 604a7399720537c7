"""Whether two given names are forms of one name."""

from __future__ import annotations

from functools import cache

from nicknames import NickNamer


@cache
def _namer() -> NickNamer:
    return NickNamer()


@cache
def roots(name: str) -> frozenset[str]:
    """The name itself and the formal names that it can be short for (`bob` → `bob`, `robert`)."""
    return frozenset({name, *_namer().canonicals_of(name)})


def share_root(left: str, right: str) -> bool:
    """True when one name is a nickname of the other, or both are nicknames of a third."""
    return not roots(left).isdisjoint(roots(right))
