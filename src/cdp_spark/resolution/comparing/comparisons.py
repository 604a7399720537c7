"""Levels of each configured comparison for many pairs at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cdp_spark.normalise.people.email import is_shared_mailbox
from cdp_spark.resolution.comparing.companies import SOME_WORDS, lower_other_forms
from cdp_spark.resolution.comparing.dates import begins_a_decade
from cdp_spark.resolution.comparing.joint import JointMeasure, address, generation, sql
from cdp_spark.resolution.comparing.measures import DIFFERENT_NAME, MEASURES, MISSING, Measure, WordMeasure
from cdp_spark.resolution.comparing.names import ONE_OF_SEVERAL, PARTLY_ANOTHER, have_the_same_words
from cdp_spark.resolution.comparing.quantities import joined_places
from cdp_spark.resolution.comparing.similarity import MISSING_CODE, Coded, each_distinct, jaro_winkler

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.config.match import Comparison
    from cdp_spark.resolution.comparing.measures import LevelsOfPairs

FREQUENCY_BINS = ("common", "uncommon", "rare")
COMMON_SHARE = 0.01
_ALIKE_NAME = 0.75
"""Jaro–Winkler similarity of names that may be one with a mistake."""
UNCOMMON_SHARE = 0.001

_SAYS_NOTHING: dict[str, Callable[[str], bool]] = {"email": is_shared_mailbox, "date": begins_a_decade}
"""Values that two people have as one does, by method: a mailbox that several read, a date that nobody entered."""

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

    @property
    def alike_level(self) -> int:
        """The lowest level of values that are not different."""
        return self.level_names.index(DIFFERENT_NAME) + 1

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
        return self._beside(columns, self._one_column(column, left, right, frequencies), left, right)

    def _beside(
        self, columns: Mapping[str, Coded], levels: NDArray[np.int64], left: NDArray[np.int64], right: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Correct the first column's levels by what stands in the further ones."""
        first, *further = (columns[name] for name in self.config.columns)
        if self.config.method == "company" and further:
            return lower_other_forms(levels, further[0], left, right, first=int(SOME_WORDS))
        if self.config.method != "name" or not further:
            return levels
        levels = _with_swapped(levels, first, further[0], left, right)
        return _with_other_order(levels, further[1], left, right) if len(further) > 1 else levels

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
        says_nothing = _SAYS_NOTHING.get(self.config.method)
        if says_nothing is not None:
            levels[equal & column.map(says_nothing, dtype=bool)[codes_l]] = MISSING
        return levels

    def _measure(self, frequencies: Frequencies) -> LevelsOfPairs:
        assert not isinstance(self.measure, JointMeasure)
        if isinstance(self.measure, WordMeasure):
            column_name = self.config.columns[0]
            words = frequencies.get(words_of(column_name) if self.measure.of_words else column_name, {})
            levels = self.measure.levels
            return lambda column, left, right: levels(column, left, right, words)
        return self.measure.levels


def words_of(column: str) -> str:
    """The name under which frequencies have the words of a column's texts."""
    return f"words of {column}"


def compile_comparisons(comparisons: tuple[Comparison, ...]) -> tuple[CompiledComparison, ...]:
    """Prepare the configured comparisons, in their order."""
    return tuple(_compile(comparison) for comparison in comparisons)


def places_of_names(compiled: Sequence[CompiledComparison]) -> dict[str, int]:
    """Map each column that is compared as a name of people, alone or first, to the place of its comparison."""
    return {it.config.columns[0]: place for place, it in enumerate(compiled) if it.config.method == "name"}


def _compile(comparison: Comparison) -> CompiledComparison:
    if comparison.method == "address":
        return CompiledComparison(comparison, address(comparison.columns), 1)
    if comparison.method == "generation":
        return CompiledComparison(comparison, generation(comparison.columns), 1)
    if comparison.method == "sql":
        return CompiledComparison(comparison, sql(comparison.columns, comparison.conditions), 1)
    measure = MEASURES[comparison.method](comparison.thresholds)
    return CompiledComparison(comparison, measure, len(FREQUENCY_BINS) if comparison.weighs_frequency else 1)


def _with_swapped(
    levels: NDArray[np.int64], column: Coded, other: Coded, left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Raise what differs where one record's value stands in the other record's other column, and not only by chance.

    Of a family, the one whose names are swapped has the name of all the others for a given name. So the other way
    round the values must be alike, or one of them missing.
    """
    differs = np.flatnonzero(levels <= PARTLY_ANOTHER)
    if not len(differs):
        return levels
    ways = [(left[differs], right[differs]), (right[differs], left[differs])]
    equal = [_stands_in(column, other, *way) for way in ways]
    swapped = np.zeros(len(differs), dtype=bool)
    for one_way, (rows, other_rows) in zip(equal, reversed(ways), strict=True):
        at = np.flatnonzero(one_way & ~swapped)
        swapped[at] = _may_stand_in(column, other, rows[at], other_rows[at])
    levels = levels.copy()
    levels[differs[swapped]] = ONE_OF_SEVERAL
    return levels


def _with_other_order(
    levels: NDArray[np.int64], whole: Coded, left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Raise what differs where the whole names have the same words in another order, or one has all of the other's."""
    low = np.flatnonzero((levels <= PARTLY_ANOTHER) & (levels != MISSING))
    known = low[(whole.codes[left[low]] != MISSING_CODE) & (whole.codes[right[low]] != MISSING_CODE)]
    if not len(known):
        return levels
    levels = levels.copy()
    levels[known[have_the_same_words(whole, whole.codes[left[known]], whole.codes[right[known]])]] = ONE_OF_SEVERAL
    return levels


def _stands_in(
    column: Coded, other: Coded, rows: NDArray[np.int64], other_rows: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """True where a row's value of one column is the other row's value of the other column."""
    codes = np.append(column.codes_in(other), MISSING_CODE)[column.codes[rows]]
    return np.asarray((codes != MISSING_CODE) & (codes == other.codes[other_rows]))


def _may_stand_in(
    column: Coded, other: Coded, rows: NDArray[np.int64], other_rows: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """True where the two are alike, the first letter of one another, or one of them is missing."""
    codes, other_codes = column.codes[rows], other.codes[other_rows]
    texts, other_texts = column.texts[codes], other.texts[other_codes]
    found = jaro_winkler(texts, other_texts, at_least=_ALIKE_NAME) >= _ALIKE_NAME
    first = [
        min(len(one), len(another)) == 1 and one[0] == another[0]
        for one, another in zip(texts, other_texts, strict=True)
    ]
    missing = (codes == MISSING_CODE) | (other_codes == MISSING_CODE)
    return np.asarray(found | np.array(first, dtype=bool) | missing)
