"""Several columns as one comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cdp_spark.conditions import grade_pairs
from cdp_spark.resolution.comparing.measures import DIFFERENT, MISSING
from cdp_spark.resolution.comparing.similarity import Coded, each_distinct, jaro_winkler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HOUSE_NUMBER = "house_number"
POSTCODE = "postcode"
_ALIKE_STREET = 0.9
_ADDRESS_LEVELS = (
    "different",
    "same city",
    "same postcode",
    "alike street elsewhere",
    "same street elsewhere",
    "same city or postcode, street unknown",
    "alike street, same city or postcode",
    "same street, same city or postcode",
)

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class JointMeasure:
    """How pairs are levelled by several columns at once.

    Args:
        level_names: of all levels from `DIFFERENT` up.
        levels: the columns by name and two arrays of positions to levels, shape (pairs,).
    """

    level_names: tuple[str, ...]
    levels: Callable[[Mapping[str, Coded], Codes, Codes], Codes]


def address(names: tuple[str, ...]) -> JointMeasure:
    """Street, city, postcode and house number as one comparison, since they agree together.

    Args:
        names: the column of the street, then any of city, postcode and house_number.
    """
    return JointMeasure(_ADDRESS_LEVELS, lambda columns, left, right: _address_levels(columns, names, left, right))


def generation(names: tuple[str, ...]) -> JointMeasure:
    """What tells a father from his son, such as Jr and III: where one has it, it matters that the other has none.

    Args:
        names: the column of the suffix.
    """

    def levels(columns: Mapping[str, Coded], left: Codes, right: Codes) -> Codes:
        codes_l, codes_r = columns[names[0]].codes[left], columns[names[0]].codes[right]
        conditions = [np.maximum(codes_l, codes_r) < 0, np.minimum(codes_l, codes_r) < 0, codes_l == codes_r]
        return np.select(conditions, [MISSING, 2, 3], DIFFERENT).astype(np.int64)

    return JointMeasure(("different", "only one has one", "equal"), levels)


def sql(names: tuple[str, ...], conditions: tuple[str, ...]) -> JointMeasure:
    """A level for each condition: the best one that holds for the pair, whichever of the two records comes first.

    Args:
        names: columns that the conditions may name, with `_l` or `_r` behind.
        conditions: SQL of DuckDB, best first.
    """

    def levels(columns: Mapping[str, Coded], left: Codes, right: Codes) -> Codes:
        ways = [grade_pairs(_as_pairs(columns, names, *way), conditions) for way in ((left, right), (right, left))]
        return np.maximum(*ways)

    return JointMeasure(("different", *reversed(conditions)), levels)


def _as_pairs(columns: Mapping[str, Coded], names: tuple[str, ...], left: Codes, right: Codes) -> pa.Table:
    return pa.table(
        {
            f"{name}_{side}": columns[name].values_of(rows)
            for name in names
            for side, rows in (("l", left), ("r", right))
        }
    )


def _address_levels(columns: Mapping[str, Coded], names: tuple[str, ...], left: Codes, right: Codes) -> Codes:
    same = {name: _same(columns[name], left, right) for name in names}
    nowhere = np.zeros(len(left), dtype=bool)
    places = [same[name] == 1 for name in names[1:] if name != HOUSE_NUMBER]
    here = np.logical_or.reduce(places) if places else nowhere
    postcode = same[POSTCODE] == 1 if POSTCODE in same else nowhere
    next_door = same[HOUSE_NUMBER] == 0 if HOUSE_NUMBER in same else nowhere
    equal = (same[names[0]] == 1) & ~next_door
    alike = _alike_streets(columns[names[0]], left, right)
    unknown = here & (same[names[0]] < 0)
    conditions = [equal & here, alike & here, unknown, equal, alike, postcode, here]
    levels = np.select(conditions, [8, 7, 6, 5, 4, 3, 2], DIFFERENT)
    known = np.logical_or.reduce([same[name] >= 0 for name in names if name != HOUSE_NUMBER])
    return np.where(known, levels, MISSING).astype(np.int64)


def _alike_streets(street: Coded, left: Codes, right: Codes) -> NDArray[np.bool_]:
    """True for equal streets and for nearly equal ones."""
    codes_l, codes_r = street.codes[left], street.codes[right]
    known = (codes_l >= 0) & (codes_r >= 0)
    alike = known & (codes_l == codes_r)
    differs = np.flatnonzero(known & ~alike)
    alike[differs] = each_distinct(street, codes_l[differs], codes_r[differs], _street_similarity) >= _ALIKE_STREET
    return np.asarray(alike)


def _street_similarity(street: Coded, left: Codes, right: Codes) -> NDArray[np.float64]:
    return jaro_winkler(street.texts[left], street.texts[right], at_least=_ALIKE_STREET)


def _same(column: Coded, left: Codes, right: Codes) -> Codes:
    """1 equal, 0 different, -1 a value is missing."""
    codes_l, codes_r = column.codes[left], column.codes[right]
    known = (codes_l >= 0) & (codes_r >= 0)
    return np.where(known, (codes_l == codes_r).astype(np.int64), -1)
