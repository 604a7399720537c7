"""Whether records that were cleaned on one day would be cleaned in the same way on a later one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.normalise.dates import oldest_birth_date
from cdp_spark.standardise.cleaning import MAX_AGE_YEARS
from cdp_spark.tables.catalog import RECORDS
from cdp_spark.tables.increments.difference import has_between

if TYPE_CHECKING:
    from cdp_spark.tables.run import Basis, RunContext

_IN_FUTURE = re.compile(rf"\w+\.{c.BIRTH_DATE}\.future")
"""Figures of birth dates that a later day may accept. One that is too old stays so."""
_LIMITS = (MAX_AGE_YEARS, 100)
"""Years after which a birth date is too old, and after which two digits of a year mean the next century."""


def holds_for_records(context: RunContext, basis: Basis) -> bool:
    """Whether no birth date is read in another way on this run's day; nothing else asks for it."""
    before, today = context.day_of(basis.as_of), context.today
    if before == today:
        return True
    if any(value and _IN_FUTURE.fullmatch(name) for name, value in basis.metrics.items()):
        return False
    spans = [(oldest_birth_date(before, years), oldest_birth_date(today, years)) for years in _LIMITS]
    return not any(has_between(context.store, RECORDS, c.BIRTH_DATE, span) for span in spans)
