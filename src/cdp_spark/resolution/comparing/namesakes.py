"""Mailboxes that spell a common name are no further evidence of it.

Most people's mailboxes spell their name, so those of two John Smiths are alike as one John Smith's two mailboxes are.
Where two records have one given and one family name that are both known to be common, and both local parts are made of
nothing but these (whole or as an initial, with digits or not), the addresses are merely different ones. Of a rare name
there are hardly two bearers, and the likeness stays what it is. So it does of names that are common in the file alone,
for there its own pairs tell what the likeness is worth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cdp_spark import columns as c
from cdp_spark.normalise.people.names import spelt_out
from cdp_spark.resolution.comparing.common_names import usual_shares
from cdp_spark.resolution.comparing.comparisons import places_of_names
from cdp_spark.resolution.comparing.emails import DIFFERENT_ADDRESS, name_in_local_part

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdp_spark.resolution.comparing.comparisons import CompiledComparison
    from cdp_spark.resolution.comparing.similarity import Coded

_NAMES = (c.GIVEN_NAME, c.FAMILY_NAME)
Codes = NDArray[np.int64]


def weaken_mailboxes_of_namesakes(
    levels: Codes, columns: Mapping[str, Coded], left: Codes, right: Codes, compiled: Sequence[CompiledComparison]
) -> Codes:
    """Take alike mailboxes that only spell one common name for different ones.

    Args:
        levels: of each comparison, shape (pairs, comparisons).
        columns: the records' columns as codes.
        left: positions of one record of each pair.
        right: positions of the other.
        compiled: the comparisons.
    Returns: levels, shape (pairs, comparisons).
    """
    places = places_of_names(compiled)
    if not places.keys() >= set(_NAMES):
        return levels
    common = np.logical_and.reduce([_are_equal_and_common(levels, places[name], compiled) for name in _NAMES])
    levels = levels.copy()
    for at, item in enumerate(compiled):
        if item.config.method == "email":
            alike = common & (levels[:, at] > DIFFERENT_ADDRESS) & (levels[:, at] < item.equal_level)
            pairs = np.flatnonzero(alike)
            mailbox = columns[item.config.columns[0]]
            spells = _spells_own_name(mailbox, columns, np.union1d(left[pairs], right[pairs]))
            merely_spelt = pairs[spells[left[pairs]] & spells[right[pairs]]]
            levels[merely_spelt, at] = DIFFERENT_ADDRESS
    return levels


def _are_equal_and_common(levels: Codes, at: int, compiled: Sequence[CompiledComparison]) -> NDArray[np.bool_]:
    return np.asarray((levels[:, at] == compiled[at].equal_level) & (compiled[at].bins > 1))


def _spells_own_name(mailbox: Coded, columns: Mapping[str, Coded], rows: Codes) -> NDArray[np.bool_]:
    """Tell of some records, whose mailbox and names are there, whether it only spells names known to be common."""
    spells = np.zeros(len(mailbox.codes), dtype=bool)
    for row in rows:
        given, family = (columns[name].texts[columns[name].codes[row]] for name in _NAMES)
        spells[row] = _is_known_to_be_common(given, family) and only_spells(
            mailbox.texts[mailbox.codes[row]], given, family
        )
    return spells


def _is_known_to_be_common(given: str, family: str) -> bool:
    return all(spelt_out(name) in usual_shares(column) for column, name in zip(_NAMES, (given, family), strict=True))


def only_spells(address: str, given: str, family: str) -> bool:
    """Tell whether a local part has nothing but a name, its parts whole or as an initial, and digits."""
    one, other, local = spelt_out(given), spelt_out(family), spelt_out(name_in_local_part(address))
    pairs = ((one, other), (one[:1], other), (one, other[:1]))
    return local in {one, other, *(a + b for a, b in pairs), *(b + a for a, b in pairs)}
