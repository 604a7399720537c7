"""Profiles with the scores and offers that segments ask for, one column each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.config.insight_columns import OFFER, SCORE, columns_of, insight_columns, split_offer, split_score
from cdp_spark.segments.relations import asked_columns

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.project import Project


def asked_scores(project: Project) -> tuple[str, ...]:
    """The columns of scores that some segment reads."""
    return tuple(columns_of(insight_columns(project.insights), SCORE, asked_columns(project.segments)))


def asked_offers(project: Project) -> tuple[str, ...]:
    """The columns of offers that some segment reads."""
    return tuple(columns_of(insight_columns(project.insights), OFFER, asked_columns(project.segments)))


def with_scores(profiles: DataFrame, scores: DataFrame, project: Project) -> DataFrame:
    """Add the scores that segments read, and no join where none does.

    Args:
        profiles: one row per unified_id.
        scores: one row per profile and model.
        project: whose segments ask.
    """
    asked = asked_scores(project)
    models = sorted({split_score(name)[0] for name in asked})
    return _with_wide(profiles, scores.where(F.col(c.MODEL).isin(models)), {name: _score(name) for name in asked})


def with_offers(profiles: DataFrame, offers: DataFrame, project: Project) -> DataFrame:
    """Add the offers that segments read, and no join where none does.

    Args:
        profiles: one row per unified_id.
        offers: one row per profile and rank.
        project: whose segments ask.
    """
    asked = asked_offers(project)
    ranks = sorted({split_offer(name)[0] for name in asked})
    return _with_wide(profiles, offers.where(F.col(c.RANK).isin(ranks)), {name: _offer(name) for name in asked})


def _with_wide(profiles: DataFrame, rows: DataFrame, columns: dict[str, Column]) -> DataFrame:
    if not columns:
        return profiles
    wide = rows.groupBy(c.UNIFIED_ID).agg(*(value.alias(name) for name, value in columns.items()))
    return profiles.join(wide, on=c.UNIFIED_ID, how="left")


def _score(name: str) -> Column:
    model, figure = split_score(name)
    is_plain = figure in (c.SCORE, c.TIER)
    value = F.col(figure) if is_plain else F.try_element_at(F.col(c.DETAILS), F.lit(figure))
    return F.max(F.when(F.col(c.MODEL) == model, value))


def _offer(name: str) -> Column:
    rank, figure = split_offer(name)
    return F.max(F.when(F.col(c.RANK) == rank, F.col(figure)))
