"""Levels of each configured comparison for many pairs at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cdp_spark.matching.comparing.measures import DIFFERENT, MEASURES, MISSING, Measure
from cdp_spark.matching.comparing.quantities import joined_places
from cdp_spark.matching.comparing.similarity import MISSING_CODE, Coded, each_distinct, jaro_winkler

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.config.match import Comparison

FREQUENCY_BINS = ("common", "uncommon", "rare")
COMMON_SHARE = 0.01
UNCOMMON_SHARE = 0.001

Frequencies = Mapping[str, Mapping[str, int]]
"""Column → value → frequency bin; a value that is not listed is rare."""

HOUSE_NUMBER = "house_number"
POSTCODE = "postcode"
_ALIKE_STREET = 0.9
_ADDRESS_LEVELS = (
    "different",
    "same city",
    "same postcode",
    "alike street elsewhere",
    "alike street, same city or postcode",
    "same street elsewhere",
    "same street, same city or postcode",
)


@dataclass(frozen=True)
class CompiledComparison:
    """A comparison ready to run.

    Args:
        config: what was configured.
        measure: levels of unequal values; None for a joint address.
        bins: how many levels equal values have, the last the rarest.
    """

    config: Comparison
    measure: Measure | None
    bins: int

    @property
    def level_names(self) -> tuple[str, ...]:
        """Names by level; level 0 is a missing value."""
        if self.measure is None:
            return ("missing", *_ADDRESS_LEVELS)
        equal = ("equal",) if self.bins == 1 else tuple(f"equal, {name}" for name in FREQUENCY_BINS)
        return ("missing", *self.measure.level_names, *equal)

    @property
    def equal_level(self) -> int:
        """The lowest level of equal values."""
        return len(self.level_names) - self.bins

    def levels(
        self,
        columns: Mapping[str, Coded],
        left: NDArray[np.int64],
        right: NDArray[np.int64],
        frequencies: Frequencies,
    ) -> NDArray[np.int64]:
        """One level a pair, shape (pairs,).

        Args:
            columns: the records' columns as codes.
            left: positions of one record of each pair.
            right: positions of the other.
            frequencies: bins of the values that are not rare.
        """
        if self.measure is None:
            return _address_levels(columns, self.config.columns, left, right)
        column = columns[self.config.columns[0]]
        if self.config.method == "geo" and len(self.config.columns) > 1:
            column = joined_places(column, columns[self.config.columns[1]])
        levels = self._one_column(column, left, right, frequencies.get(self.config.columns[0], {}))
        if self.config.method == "name" and len(self.config.columns) > 1:
            levels = _with_swapped(levels, column, columns[self.config.columns[1]], left, right)
        return levels

    def _one_column(
        self, column: Coded, left: NDArray[np.int64], right: NDArray[np.int64], bins: Mapping[str, int]
    ) -> NDArray[np.int64]:
        assert self.measure is not None
        codes_l, codes_r = column.codes[left], column.codes[right]
        known = (codes_l >= 0) & (codes_r >= 0)
        equal = known & (codes_l == codes_r)
        levels = np.full(len(left), MISSING, dtype=np.int64)
        differs = np.flatnonzero(known & ~equal)
        levels[differs] = each_distinct(column, codes_l[differs], codes_r[differs], self.measure.levels)
        if self.bins == 1:
            levels[equal] = self.equal_level
        else:
            bin_of = column.map(lambda value: bins.get(value, self.bins - 1), dtype=np.int64)
            levels[equal] = self.equal_level + bin_of[codes_l[equal]]
        return levels


def compile_comparisons(comparisons: tuple[Comparison, ...]) -> tuple[CompiledComparison, ...]:
    """Prepare the configured comparisons, in their order."""
    return tuple(_compile(comparison) for comparison in comparisons)


def _compile(comparison: Comparison) -> CompiledComparison:
    if comparison.method == "address":
        return CompiledComparison(comparison, None, 1)
    measure = MEASURES[comparison.method](comparison.thresholds)
    return CompiledComparison(comparison, measure, len(FREQUENCY_BINS) if comparison.weighs_frequency else 1)


def _with_swapped(
    levels: NDArray[np.int64], column: Coded, other: Coded, left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Raise `different` where one record's value stands in the other record's other column."""
    differs = np.flatnonzero((levels == DIFFERENT) | (levels == MISSING))
    if not len(differs):
        return levels
    rows_l, rows_r = left[differs], right[differs]
    swapped = _stands_in(column, other, rows_l, rows_r) | _stands_in(column, other, rows_r, rows_l)
    levels = levels.copy()
    levels[differs[swapped]] = DIFFERENT + 1
    return levels


def _stands_in(
    column: Coded, other: Coded, rows: NDArray[np.int64], other_rows: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """True where a row's value of one column is the other row's value of the other column."""
    codes = np.append(column.codes_in(other), MISSING_CODE)[column.codes[rows]]
    return np.asarray((codes != MISSING_CODE) & (codes == other.codes[other_rows]))


def _address_levels(
    columns: Mapping[str, Coded], names: tuple[str, ...], left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Street, city, postcode and house number as one comparison, since they agree together."""
    same = {name: _same(columns[name], left, right) for name in names}
    nowhere = np.zeros(len(left), dtype=bool)
    places = [same[name] == 1 for name in names[1:] if name != HOUSE_NUMBER]
    here = np.logical_or.reduce(places) if places else nowhere
    postcode = same[POSTCODE] == 1 if POSTCODE in same else nowhere
    next_door = same[HOUSE_NUMBER] == 0 if HOUSE_NUMBER in same else nowhere
    equal = (same[names[0]] == 1) & ~next_door
    alike = _alike_streets(columns[names[0]], left, right)
    conditions = [equal & here, equal, alike & here, alike, postcode, here]
    levels = np.select(conditions, [7, 6, 5, 4, 3, 2], DIFFERENT)
    known = np.logical_or.reduce([same[name] >= 0 for name in names if name != HOUSE_NUMBER])
    return np.where(known, levels, MISSING).astype(np.int64)


def _alike_streets(street: Coded, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.bool_]:
    """True for equal streets and for nearly equal ones."""
    codes_l, codes_r = street.codes[left], street.codes[right]
    known = (codes_l >= 0) & (codes_r >= 0)
    alike = known & (codes_l == codes_r)
    differs = np.flatnonzero(known & ~alike)
    alike[differs] = each_distinct(street, codes_l[differs], codes_r[differs], _street_similarity) >= _ALIKE_STREET
    return np.asarray(alike)


def _street_similarity(street: Coded, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    return jaro_winkler(street.texts[left], street.texts[right], at_least=_ALIKE_STREET)


def _same(column: Coded, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """1 equal, 0 different, -1 a value is missing."""
    codes_l, codes_r = column.codes[left], column.codes[right]
    known = (codes_l >= 0) & (codes_r >= 0)
    return np.where(known, (codes_l == codes_r).astype(np.int64), -1)
