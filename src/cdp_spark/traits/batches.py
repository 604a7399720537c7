"""What measures read of a batch of events: which rows count, and their values.

Masks of filters and of ages, and the encoded values of a column, are made once a batch, however many measures share
them. Texts are codes into a dictionary, so that a condition on texts is asked of each different text once. Numbers are
whole ten-thousandths, so that their sums are exact in any order. A column of order lines has a value for each line.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cdp_spark import columns as c
from cdp_spark.config.traits.definitions import LOCAL_HOUR, is_number
from cdp_spark.config.traits.model import LINES, PROPERTY
from cdp_spark.normalise.times import zones_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.config.traits.definitions import Ages, EventFilter, Measure
    from cdp_spark.config.traits.model import EventCondition

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

PARTS = 10_000.0
"""Of one, in which numbers are counted."""
DAY_US = 86_400_000_000
_COMPARE = {"above": np.greater, "at_least": np.greater_equal, "below": np.less, "at_most": np.less_equal}


@dataclass(frozen=True)
class Values:
    """The values of a column.

    Args:
        codes: of each value in the dictionary, -1 for none; None for a column of numbers.
        dictionary: the different texts.
        numbers: in ten-thousandths, NaN for none; None for a column of texts.
        rows: the row of each value; None where each row has one.
    """

    codes: Ints | None = None
    dictionary: pa.Array | None = None
    numbers: Floats | None = None
    rows: Ints | None = None

    @property
    def there(self) -> Bools:
        """Which values are not missing."""
        if self.codes is not None:
            return np.asarray(self.codes >= 0)
        return np.asarray(~np.isnan(self.numbers)) if self.numbers is not None else np.zeros(0, np.bool_)


@dataclass(frozen=True)
class Events:
    """A batch of events.

    Args:
        rows: with the columns that the measures need; `occurred_at_utc` and `unified_id` always.
        groups: the number of each row's person, rising.
        as_of_us: the run's clock; later events do not count.
        expressions: expression to the column with its truth.
        zone: the own attribute with a time zone, and the zone of those who have none.
        made: what was computed before.
    """

    rows: pa.RecordBatch
    groups: Ints
    as_of_us: int
    expressions: Mapping[str, str]
    zone: str = "UTC"
    made: dict[object, Any] = field(default_factory=dict)

    @property
    def times(self) -> Ints:
        """When the events happened, in microseconds."""
        if c.OCCURRED_AT not in self.made:
            times = self.rows[c.OCCURRED_AT].cast(pa.int64())
            self.made[c.OCCURRED_AT] = times.to_numpy(zero_copy_only=False)
        return np.asarray(self.made[c.OCCURRED_AT])

    def chosen(self, measure: Measure) -> tuple[Ints, Ints]:
        """Return the values that a measure counts, by their places in the column, and the person of each."""
        key = ("chosen", measure.events, measure.ages, measure.column, measure.is_text)
        if key not in self.made:
            self.made[key] = self._choose(measure)
        places, groups = self.made[key]
        return places, groups

    def _choose(self, measure: Measure) -> tuple[Ints, Ints]:
        rows = self.passing(measure.events) & self.of_ages(measure.ages)
        if not measure.column:
            places = np.flatnonzero(rows)
            return places, self.groups[places]
        values = self.values(measure.column) if measure.is_text else self.numbers(measure.column)
        inside = rows if values.rows is None else rows[values.rows]
        places = np.flatnonzero(inside & values.there)
        return places, self.groups[places if values.rows is None else values.rows[places]]

    def of_ages(self, ages: Ages) -> Bools:
        """Return which rows are as old as that."""
        if ages not in self.made:
            mask = self.times <= self.as_of_us - (ages.over_days or 0) * DAY_US
            if ages.under_days is not None:
                mask &= self.times > self.as_of_us - ages.under_days * DAY_US
            self.made[ages] = mask
        return np.asarray(self.made[ages])

    def passing(self, events: EventFilter) -> Bools:
        """Return which rows a filter lets through, whatever their age."""
        if events not in self.made:
            mask = np.ones(self.rows.num_rows, np.bool_)
            if events.events:
                mask &= self._among(c.EVENT_TYPE, events.events)
            for condition in events.where:
                mask &= self._meeting(condition)
            if events.expression is not None:
                truth = self.rows[self.expressions[events.expression]]
                mask &= np.asarray(pc.fill_null(truth, False).to_numpy(zero_copy_only=False), np.bool_)
            self.made[events] = mask
        return np.asarray(self.made[events])

    def _meeting(self, condition: EventCondition) -> Bools:
        """Which rows meet a condition; of lines those with one that does."""
        of_lines = self.values(condition.column).rows
        mask = np.ones(self.rows.num_rows if of_lines is None else len(of_lines), np.bool_)
        if condition.any_of:
            mask &= self._among(condition.column, condition.any_of)
        if condition.none_of:
            mask &= self.values(condition.column).there & ~self._among(condition.column, condition.none_of)
        for name, bound in condition.bounds:
            mask &= _COMPARE[name](np.asarray(self.numbers(condition.column).numbers), round(bound * PARTS))
        return mask if of_lines is None else np.isin(np.arange(self.rows.num_rows), of_lines[mask])

    def _among(self, column: str, wanted: tuple[str, ...]) -> Bools:
        values = self.values(column)
        listed = pc.is_in(values.dictionary, value_set=pa.array(wanted, pa.string())).to_numpy(zero_copy_only=False)
        return np.append(np.asarray(listed, np.bool_), False)[values.codes]

    def values(self, column: str) -> Values:
        """Return the column's values; numbers of a column of numbers, else texts."""
        if is_number(column):
            return self.numbers(column)
        if column not in self.made:
            self.made[column] = self._hours() if column == LOCAL_HOUR else self._texts(column)
        found: Values = self.made[column]
        return found

    def numbers(self, column: str) -> Values:
        """Return the column's values as numbers; of texts those that are one."""
        key = ("numbers", column)
        if key not in self.made:
            if column.startswith(PROPERTY):
                texts = self.values(column)
                read = np.array([*map(_read_number, (texts.dictionary or pa.array([])).to_pylist()), math.nan])
                self.made[key] = Values(numbers=np.round(read[texts.codes] * PARTS))
            else:
                raw, rows = self._raw(column)
                floats = raw.cast(pa.float64()).to_numpy(zero_copy_only=False)
                self.made[key] = Values(numbers=np.round(floats * PARTS), rows=rows)
        found: Values = self.made[key]
        return found

    def _texts(self, column: str) -> Values:
        raw, rows = self._raw(column)
        encoded = raw.cast(pa.string()).dictionary_encode()
        codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
        return Values(codes, encoded.dictionary, rows=rows)

    def _raw(self, column: str) -> tuple[pa.Array, Ints | None]:
        """The column as it is; of lines the values of all, and the row of each."""
        if not column.startswith(LINES):
            return self.rows[column], None
        lines = self.rows[c.LINES]
        rows = pc.list_parent_indices(lines).to_numpy(zero_copy_only=False).astype(np.int64)
        return pc.struct_field(pc.list_flatten(lines), column.removeprefix(LINES)), rows

    def _hours(self) -> Values:
        zones = zones_of(self.rows[c.ZONE], self.rows[c.COUNTRY], self.zone).dictionary_encode()
        codes = zones.indices.to_numpy(zero_copy_only=False)
        hours = np.zeros(self.rows.num_rows, np.int64)
        for code, zone in enumerate(zones.dictionary.to_pylist()):
            of_zone = np.flatnonzero(codes == code)
            times = self.rows[c.OCCURRED_AT].take(pa.array(of_zone)).cast(pa.timestamp("us", zone))
            hours[of_zone] = pc.hour(pc.local_timestamp(times)).to_numpy(zero_copy_only=False)
        return Values(hours, pa.array([f"{hour:02}" for hour in range(24)]))


def _read_number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan
