"""Nicknames and the formal names behind them, from the package `nicknames`.

The package lists pairs without saying which is the nickname: of two names, the one with more nicknames is the formal
one.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from cdp_spark.normalise.text import words

if TYPE_CHECKING:
    from nicknames import NickNamer

_ABROAD = dict(
    pair.split("/")
    for pair in words(
        "pepe/jose paco/francisco pancho/francisco nacho/ignacio lola/dolores manolo/manuel quique/enrique "
        "kike/enrique concha/concepcion chelo/consuelo lupe/guadalupe memo/guillermo beto/alberto ze/jose "
        "chico/francisco beppe/giuseppe peppe/giuseppe pippo/filippo gigi/luigi fritz/friedrich hans/johannes "
        "sepp/josef heinz/heinrich uli/ulrich susi/susanne gabi/gabriele willi/wilhelm jupp/josef resi/theresia "
        "kasia/katarzyna gosia/malgorzata asia/joanna basia/barbara tomek/tomasz sasha/aleksandr misha/mikhail "
        "vanya/ivan kolya/nikolay katya/yekaterina natasha/natalya masha/mariya lena/yelena"
    )
)
"""Nicknames of other languages, which the package lacks."""


@cache
def nickname_roots(name: str) -> frozenset[str]:
    """Return the formal names that a given name may stand for; itself where it is nobody's nickname.

    A name is always among its own roots, so two names may be one person's when their roots meet: `bob` and `robert`,
    `bill` and `will`.

    Args:
        name: in match form.
    """
    abroad = {_ABROAD[name]} if name in _ABROAD else set()
    return frozenset({name, *abroad, *_formal_names(name)})


def is_known_name(name: str) -> bool:
    """Tell whether the package lists a name, formal or short.

    Args:
        name: in match form.
    """
    return name in _known_names()


@cache
def _known_names() -> frozenset[str]:
    return frozenset(_namer().nickname_lookup) | frozenset(_namer().canonical_lookup)


@cache
def _namer() -> NickNamer:
    from nicknames import NickNamer  # noqa: PLC0415 - reads its files as it is imported, and most commands need none

    return NickNamer()


def _formal_names(name: str) -> set[str]:
    return {formal for formal in _namer().canonicals_of(name) if _fame(formal) > _fame(name)}


def _fame(name: str) -> int:
    return len(_namer().nicknames_of(name))
