"""Organisations where people's names should be: `Müller GmbH` or `The Meyer Foundation` as a family name.

1. An organisation and a person are never one, though they share a name, a telephone and an address: all their names
   count as different, also where one of them is missing.
2. Two organisations are compared as companies are, legal form and all, and the likeness of what stands in both columns
   together counts as that of their family names.

Only words that are hardly anybody's name tell an organisation: Charlotte Church is a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cdp_spark import columns as c
from cdp_spark.normalise.people.companies import split_company_name
from cdp_spark.normalise.text import words
from cdp_spark.resolution.comparing.companies import SOME_WORDS, company_levels, lower_other_forms
from cdp_spark.resolution.comparing.comparisons import places_of_names
from cdp_spark.resolution.comparing.names import (
    DIFFERENT,
    ONE_OF_SEVERAL,
    PARTLY_ANOTHER,
    SPELT_OTHERWISE,
    VERY_ALIKE,
)
from cdp_spark.resolution.comparing.similarity import MISSING_CODE, Coded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdp_spark.resolution.comparing.comparisons import CompiledComparison

_MISSING = 0
_NAMES = (c.GIVEN_NAME, c.MIDDLE_NAME, c.FAMILY_NAME)
_LEGAL_FORMS = frozenset(
    words(
        "gmbh mbh gesmbh ag kg kgaa ohg gbr ug llc llp inc incorporated ltd limited plc corp corporation sarl srl bv "
        "nv ltda oyj aps sro kft zrt doo spzoo pty pvt sdn bhd ооо зао оао пао"
    )
)
"""Legal forms that nobody is called by; `sa`, `as`, `se` and `sl` are names and words, too."""
_GLUED_FORMS = ("株式会社", "有限会社", "有限公司", "公司", "주식회사")
_WORDS = frozenset(
    words(
        "foundation stiftung fondation fundacion fundacao fondazione stichting fundacja verein verband association "
        "associazione asociacion associacao gesellschaft praxis gemeinschaftspraxis arztpraxis zahnarztpraxis kanzlei "
        "apotheke pharmacy farmacia pharmacie klinik klinikum clinic clinica clinique krankenhaus hospital sparkasse "
        "university universitat universite universidad universita hochschule gymnasium grundschule institute institut "
        "istituto instituto ministry ministerium kirchengemeinde stadtverwaltung gemeindeverwaltung feuerwehr hotel "
        "restaurant ristorante pizzeria gasthof gasthaus autohaus reiseburo ingenieurburo architekturburo "
        "steuerberatung hausverwaltung company companies services solutions consulting logistics holding committee "
        "society federation council partners associates"
    )
)
Codes = NDArray[np.int64]


def is_organisation(name: str) -> bool:
    """Tell whether what stands in a column of people's names is an organisation's name.

    Args:
        name: in match form.
    """
    found = name.split()
    return (
        not _LEGAL_FORMS.isdisjoint(found)
        or not _WORDS.isdisjoint(found)
        or found[-2:] == ["e", "v"]
        or any(form in name for form in _GLUED_FORMS)
    )


def part_organisations_from_people(
    levels: Codes, columns: Mapping[str, Coded], left: Codes, right: Codes, compiled: Sequence[CompiledComparison]
) -> Codes:
    """Correct the levels of names where one record or both are of an organisation.

    Args:
        levels: of each comparison, shape (pairs, comparisons).
        columns: the records' columns as codes.
        left: positions of one record of each pair.
        right: positions of the other.
        compiled: the comparisons.
    Returns: levels, shape (pairs, comparisons).
    """
    places = {name: at for name, at in places_of_names(compiled).items() if name in _NAMES}
    found = [_organisations(columns[name]) for name in places]
    is_one = np.logical_or.reduce(found) if found else np.zeros(0, dtype=bool)
    if not is_one.any():
        return levels
    levels, named = levels.copy(), _are_named(columns, places)
    one = (is_one[left] != is_one[right]) & named[left] & named[right]
    for name, at in places.items():
        levels[one, at] = _MISSING if name == c.MIDDLE_NAME else int(DIFFERENT)
    both = np.flatnonzero(is_one[left] & is_one[right])
    if len(both):
        alike = _company_likeness(columns, list(places), left[both], right[both])
        for name, at in places.items():
            levels[both, at] = np.where(alike > DIFFERENT, _MISSING, int(DIFFERENT))
            if name == c.MIDDLE_NAME:
                levels[both, at] = _MISSING
        at = places.get(c.FAMILY_NAME, places.get(c.GIVEN_NAME, 0))
        levels[both, at] = alike
    return levels


def _organisations(column: Coded) -> NDArray[np.bool_]:
    return np.append(column.map(is_organisation, dtype=bool), False)[column.codes]


def _are_named(columns: Mapping[str, Coded], names: Mapping[str, int]) -> NDArray[np.bool_]:
    return np.asarray(np.logical_or.reduce([columns[name].codes != MISSING_CODE for name in names]))


def _company_likeness(columns: Mapping[str, Coded], names: Sequence[str], left: Codes, right: Codes) -> Codes:
    """Compare whole names as companies' names: levels of a name's comparison, shape (pairs,)."""
    ordered = [columns[name] for name in _NAMES if name in names]
    rows, places = np.unique(np.concatenate([left, right]), return_inverse=True)
    parts = [[column.texts[code] if code != MISSING_CODE else "" for code in column.codes[rows]] for column in ordered]
    whole = [" ".join(filter(None, its)) for its in zip(*parts, strict=True)]
    names_, cores = (Coded(pa.array(texts)) for texts in (whole, [split_company_name(it)[0] for it in whole]))
    one, other = places[: len(left)], places[len(left) :]
    unequal = cores.codes[one] != cores.codes[other]
    as_companies = np.full(len(left), len(_LEVELS) - 1, dtype=np.int64)
    differing = cores.codes[one[unequal]], cores.codes[other[unequal]]
    as_companies[unequal] = company_levels(cores, *differing, {}).astype(np.int64)
    as_companies = lower_other_forms(as_companies, names_, one, other, first=int(SOME_WORDS))
    return _LEVELS[as_companies]


_LEVELS = np.array(
    [_MISSING, DIFFERENT, DIFFERENT, PARTLY_ANOTHER, VERY_ALIKE, ONE_OF_SEVERAL, SPELT_OTHERWISE, SPELT_OTHERWISE],
    dtype=np.int64,
)
"""Levels of names by those of companies; another of the group is another one, and equal ones are equally spelt."""
