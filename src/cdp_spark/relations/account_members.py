"""From evidence to the people of accounts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.normalise.batches import map_fields
from cdp_spark.normalise.people.job_titles import read_job_title
from cdp_spark.tables.catalog import ACCOUNT_MEMBERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.match import Relation
    from cdp_spark.normalise.people.job_titles import Role

    OwnRoles = Mapping[Role, tuple[str, ...]]

_NEWEST, _TITLE = "newest", "newest_title"
_TOLD = (c.ROLE, c.SENIORITY, c.DEPARTMENT)
"""What a job title tells, as `JobTitle` has it."""


def build_account_members(
    evidence: DataFrame, people: DataFrame, *, precedence: tuple[Relation, ...], roles: OwnRoles | None = None
) -> DataFrame:
    """Sum the evidence up, and choose each person's primary account.

    Primary is the account of the most trusted relation; of several, that of the newest record, then of most records,
    then the lowest id. The job title is the newest one in any record that names the account; role, seniority and
    department are what it tells.

    Args:
        evidence: from `build_evidence`.
        people: records of persons.
        precedence: the relations, the most trusted first.
        roles: the project's own words of job titles, by role.

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
    return ACCOUNT_MEMBERS.conform(with_roles(shown.withColumn(c.IS_PRIMARY, _is_primary_expr(precedence)), roles))


def with_roles(members: DataFrame, own: OwnRoles | None) -> DataFrame:
    """Add role, seniority and department of job titles."""
    text = [T.StructField(name, T.StringType()) for name in _TOLD]
    schema = T.StructType([*members.schema.fields, *text])
    return members.mapInArrow(partial(_read_titles, own=own), schema)


def _read_titles(batches: Iterator[pa.RecordBatch], own: OwnRoles | None) -> Iterator[pa.RecordBatch]:
    memo: dict[str, tuple[str | None, ...]] = {}
    for batch in batches:
        read = partial(read_job_title, own=own)
        told = map_fields(batch.column(c.JOB_TITLE), read, (pa.string(),) * len(_TOLD), memo=memo)
        yield pa.RecordBatch.from_arrays([*batch.columns, *told], names=[*batch.schema.names, *_TOLD])


def _is_primary_expr(precedence: tuple[Relation, ...]) -> Column:
    trust = F.array_position(F.lit(list(precedence)), F.col(c.RELATION))
    best_first = (trust, F.desc_nulls_last(c.OBSERVED_AT), F.desc(c.RECORD_COUNT), F.asc(c.ACCOUNT_ID))
    return F.row_number().over(Window.partitionBy(c.UNIFIED_ID).orderBy(*best_first)) == 1
