"""How many events found their person, against a truth of browsers and devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.report.accuracy import TRUE_ID

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

VISITOR_ID = "visitor_id"
"""The truth's column that names a browser or device."""
PEOPLE = "people"
"""The truth's column that says how many people identified themselves on it."""
_RIGHT, _OF_PERSON = "is_right", "is_of_person"
_FIGURES = ("told", "right", "wrong", "anonymous", "misled")


@dataclass(frozen=True)
class Attribution:
    """Where the events of browsers and devices went.

    Args:
        told: events on those on which one person identified himself, at whatever time.
        right: events of them that are with that person.
        wrong: events of them that are with another person; the rest is anonymous.
        anonymous: events on those on which nobody ever did.
        misled: events of them that are with some person.
    """

    told: int
    right: int
    wrong: int
    anonymous: int
    misled: int

    @property
    def share(self) -> float:
        """Share of the told events that are with their person; 1 where there is none."""
        return self.right / self.told if self.told else 1.0


def measure_attribution(
    unified_events: DataFrame, unified_ids: DataFrame, records: DataFrame, truth: DataFrame, visitors: DataFrame
) -> Attribution:
    """Compare events' profiles with a truth.

    Args:
        unified_events: one row per event, its `properties` with the `cookie_id` or `device_id` of the truth.
        unified_ids: one row per record.
        records: one row per record: record_key, source, source_record_id.
        truth: one row per record: source, source_record_id, entity_id. A person whose records fell apart has several
            unified ids, and any of them is right.
        visitors: one row per browser or device: visitor_id, entity_id (null unless one person identified himself),
            people.
    """
    ids = unified_ids.where(F.col(c.ENTITY_TYPE) == "person").select(c.RECORD_KEY, c.UNIFIED_ID)
    named = records.select(c.RECORD_KEY, c.SOURCE, c.SOURCE_RECORD_ID).join(ids, on=c.RECORD_KEY, how="inner")
    right = truth.join(named, on=[c.SOURCE, c.SOURCE_RECORD_ID], how="inner").select(TRUE_ID, c.UNIFIED_ID).distinct()
    people = ids.select(c.UNIFIED_ID).distinct()
    borne = F.coalesce(*(F.col(c.PROPERTIES)[name] for name in (c.COOKIE_ID, c.DEVICE_ID)))
    judged = (
        unified_events.select(borne.alias(VISITOR_ID), c.UNIFIED_ID)
        .join(visitors.select(VISITOR_ID, TRUE_ID, PEOPLE), on=VISITOR_ID, how="inner")
        .join(right.withColumn(_RIGHT, F.lit(True)), on=[TRUE_ID, c.UNIFIED_ID], how="left")
        .join(people.withColumn(_OF_PERSON, F.lit(True)), on=c.UNIFIED_ID, how="left")
    )
    is_told, is_right = F.col(PEOPLE) == 1, F.col(_RIGHT).isNotNull()
    is_anonymous, is_of_person = F.col(PEOPLE) == 0, F.col(_OF_PERSON).isNotNull()
    conditions = (is_told, is_told & is_right, is_told & is_of_person & ~is_right, is_anonymous)
    counted = [*conditions, is_anonymous & is_of_person]
    counts = [F.count_if(condition).alias(name) for name, condition in zip(_FIGURES, counted, strict=True)]
    row = judged.agg(*counts).collect()[0]
    return Attribution(*[int(row[name]) for name in _FIGURES])
