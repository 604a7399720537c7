"""Levels of each configured comparison for many pairs at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cdp_spark.matching.comparing.joint import JointMeasure, address, sql
from cdp_spark.matching.comparing.measures import DIFFERENT, MEASURES, MISSING, Measure, WordMeasure
from cdp_spark.matching.comparing.quantities import joined_places
from cdp_spark.matching.comparing.similarity import MISSING_CODE, Coded, each_distinct

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.config.match import Comparison
    from cdp_spark.matching.comparing.measures import LevelsOfPairs

FREQUENCY_BINS = ("common", "uncommon", "rare")
COMMON_SHARE = 0.01
UNCOMMON_SHARE = 0.001

Frequencies = Mapping[str, Mapping[str, int]]
"""Column → value → frequency bin; a value that is not listed is rare. `words_of` a column → word → its bits."""


@dataclass(frozen=True)
class CompiledComparison:
    """A comparison ready to run.

    Args:
        config: what was configured.
        measure: levels of unequal values, or of several columns together.
        bins: how many levels equal values have, the last the rarest.
    """

    config: Comparison
    measure: Measure | WordMeasure | JointMeasure
    bins: int

    @property
    def level_names(self) -> tuple[str, ...]:
        """Names by level; level 0 is a missing value."""
        if isinstance(self.measure, JointMeasure):
            return ("missing", *self.measure.level_names)
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
        if isinstance(self.measure, JointMeasure):
            return self.measure.levels(columns, left, right)
        column = columns[self.config.columns[0]]
        if self.config.method == "geo" and len(self.config.columns) > 1:
            column = joined_places(column, columns[self.config.columns[1]])
        levels = self._one_column(column, left, right, frequencies)
        if self.config.method == "name" and len(self.config.columns) > 1:
            levels = _with_swapped(levels, column, columns[self.config.columns[1]], left, right)
        return levels

    def _one_column(
        self, column: Coded, left: NDArray[np.int64], right: NDArray[np.int64], frequencies: Frequencies
    ) -> NDArray[np.int64]:
        bins = frequencies.get(self.config.columns[0], {})
        codes_l, codes_r = column.codes[left], column.codes[right]
        known = (codes_l >= 0) & (codes_r >= 0)
        equal = known & (codes_l == codes_r)
        levels = np.full(len(left), MISSING, dtype=np.int64)
        differs = np.flatnonzero(known & ~equal)
        levels[differs] = each_distinct(column, codes_l[differs], codes_r[differs], self._measure(frequencies))
        if self.bins == 1:
            levels[equal] = self.equal_level
        else:
            bin_of = column.map(lambda value: bins.get(value, self.bins - 1), dtype=np.int64)
            levels[equal] = self.equal_level + bin_of[codes_l[equal]]
        return levels

    def _measure(self, frequencies: Frequencies) -> LevelsOfPairs:
        assert not isinstance(self.measure, JointMeasure)
        if isinstance(self.measure, WordMeasure):
            words, levels = frequencies.get(words_of(self.config.columns[0]), {}), self.measure.levels
            return lambda column, left, right: levels(column, left, right, words)
        return self.measure.levels


def words_of(column: str) -> str:
    """The name under which frequencies have the words of a column's texts."""
    return f"words of {column}"


def compile_comparisons(comparisons: tuple[Comparison, ...]) -> tuple[CompiledComparison, ...]:
    """Prepare the configured comparisons, in their order."""
    return tuple(_compile(comparison) for comparison in comparisons)


def _compile(comparison: Comparison) -> CompiledComparison:
    if comparison.method == "address":
        return CompiledComparison(comparison, address(comparison.columns), 1)
    if comparison.method == "sql":
        return CompiledComparison(comparison, sql(comparison.columns, comparison.conditions), 1)
    measure = MEASURES[comparison.method](comparison.thresholds)
    return CompiledComparison(comparison, measure, len(FREQUENCY_BINS) if comparison.weighs_frequency else 1)


def _with_swapped(
    levels: NDArray[np.int64], column: Coded, other: Coded, left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Raise `different` where the two records have each other's values in the other column, or one's and nothing else.

    One value that stands in the other record's other column is not enough: of a family, the one whose names are swapped
    has the name of all the others for a given name.
    """
    differs = np.flatnonzero((levels == DIFFERENT) | (levels == MISSING))
    if not len(differs):
        return levels
    rows_l, rows_r = left[differs], right[differs]
    there, back = (_stands_in(column, other, *ends) for ends in ((rows_l, rows_r), (rows_r, rows_l)))
    swapped = ((there == _EQUAL) | (back == _EQUAL)) & (there != _UNEQUAL) & (back != _UNEQUAL)
    levels = levels.copy()
    levels[differs[swapped]] = DIFFERENT + 1
    return levels


_UNKNOWN, _UNEQUAL, _EQUAL = 0, 1, 2


def _stands_in(
    column: Coded, other: Coded, rows: NDArray[np.int64], other_rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Whether a row has in one column what the other row has in the other one; unknown where a value is missing."""
    codes = np.append(column.codes_in(other), MISSING_CODE)[column.codes[rows]]
    equal = (codes != MISSING_CODE) & (codes == other.codes[other_rows])
    known = (column.codes[rows] != MISSING_CODE) & (other.codes[other_rows] != MISSING_CODE)
    return np.where(equal, _EQUAL, np.where(known, _UNEQUAL, _UNKNOWN))
