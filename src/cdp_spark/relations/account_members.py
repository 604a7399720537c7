"""From evidence to the people of accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.tables.catalog import ACCOUNT_MEMBERS

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.relations import Relation

_NEWEST, _TITLE = "newest", "newest_title"


def build_account_members(evidence: DataFrame, people: DataFrame, *, precedence: tuple[Relation, ...]) -> DataFrame:
    """Sum the evidence up, and choose each person's primary account.

    Primary is the account of the most trusted relation; of several, that of the newest record, then of most records,
    then the lowest id. The job title is the newest one in any record that names the account.

    Args:
        evidence: from `build_evidence`.
        people: records of persons.
        precedence: the relations, the most trusted first.

    Returns:
        the table `account_members`: one row per person, account and relation, with its newest record as evidence.
    """
    relation = [c.UNIFIED_ID, c.ACCOUNT_ID, c.RELATION]
    told = evidence.join(people.select(c.RECORD_KEY, c.OBSERVED_AT, c.JOB_TITLE), on=c.RECORD_KEY, how="inner")
    newest = F.max(F.struct(c.OBSERVED_AT, c.RECORD_KEY, c.ACCOUNT_RECORD_KEY)).alias(_NEWEST)
    title = F.struct(c.OBSERVED_AT, c.RECORD_KEY, c.JOB_TITLE)
    newest_title = F.max(F.when(F.col(c.JOB_TITLE).isNotNull(), title)).alias(_TITLE)
    summed = told.groupBy(*relation).agg(newest, newest_title, F.count(F.lit(1)).alias(c.RECORD_COUNT))
    of_account = Window.partitionBy(c.UNIFIED_ID, c.ACCOUNT_ID)
    titled = summed.withColumn(c.JOB_TITLE, F.max(_TITLE).over(of_account)[c.JOB_TITLE])
    shown = titled.select(*relation, c.JOB_TITLE, c.RECORD_COUNT, f"{_NEWEST}.*")
    return ACCOUNT_MEMBERS.conform(shown.withColumn(c.IS_PRIMARY, _is_primary_expr(precedence)))


def _is_primary_expr(precedence: tuple[Relation, ...]) -> Column:
    trust = F.array_position(F.lit(list(precedence)), F.col(c.RELATION))
    best_first = (trust, F.desc_nulls_last(c.OBSERVED_AT), F.desc(c.RECORD_COUNT), F.asc(c.ACCOUNT_ID))
    return F.row_number().over(Window.partitionBy(c.UNIFIED_ID).orderBy(*best_first)) == 1
