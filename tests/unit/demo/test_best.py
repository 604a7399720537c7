"""Whom the demo prints: the best people by each model, with names, and what is offered to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from pyspark.sql import SparkSession
from tests.unit.scores.world import empty_row, rows_of

from cdp_spark.config.insights.scores import OutcomeConfig, ScoreConfig
from cdp_spark.config.insights.section import InsightsConfig
from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.demo.best import Best, find_best
from cdp_spark.tables.catalog import OFFERS, PROFILES, SCORES
from cdp_spark.tables.store import Store


def make_project() -> Project:
    lead = ScoreConfig(name="will_buy", outcome=OutcomeConfig(event_types=("purchase",), within_days=30))
    settings = ProjectSettings(name="shop", namespace=UUID(int=1), warehouse=Warehouse(path="w"))
    insights = InsightsConfig(scores=(lead,))
    return Project(folder=".", config_hash="-", settings=settings, sources=(), match=MatchConfig(), insights=insights)


def test_the_best_people_by_each_model_have_names_and_their_first_offer(spark: SparkSession, tmp_path: Path) -> None:
    store = Store(spark, str(tmp_path))
    people = {"ann": ("person", "Ann", "Abel"), "bob": ("person", "Bob", None), "v": ("visitor", None, None)}
    profiles = [
        {**empty_row(PROFILES), "unified_id": it, "entity_type": kind, "given_name": given, "family_name": family}
        for it, (kind, given, family) in people.items()
    ]
    values = {"lifetime_value": {"ann": 10.0, "bob": 20.0}, "will_buy": {"ann": 0.3, "bob": 0.2, "v": 0.9}}
    scores = [
        {**empty_row(SCORES), "unified_id": who, "model": model, "score": value, "tier": 100, "decile": 10}
        for model, of_people in values.items()
        for who, value in of_people.items()
    ]
    offers = [
        {**empty_row(OFFERS), "unified_id": "ann", "rank": rank, "product_id": product}
        for rank, product in ((2, "mug"), (1, "tent"))
    ]
    tables: list[tuple[Any, Any]] = [(PROFILES, profiles), (SCORES, scores), (OFFERS, offers)]
    versions = {spec.name: store.overwrite(spec, rows_of(spec, rows)) for spec, rows in tables}
    best = find_best(store, make_project(), versions=versions, missing=("too little history",))
    assert [(row["name"], row["score"]) for row in best.customers] == [("Bob", 20.0), ("Ann Abel", 10.0)]
    assert [(row["name"], row["score"]) for row in best.leads] == [("Ann Abel", 0.3), ("Bob", 0.2)]
    assert [(row["name"], row["product_id"]) for row in best.offers] == [("Ann Abel", "tent")]
    assert best.missing == ("too little history",)


def test_a_release_without_scores_has_no_best(spark: SparkSession, tmp_path: Path) -> None:
    store = Store(spark, str(tmp_path))
    assert find_best(store, make_project(), versions={}, missing=("why",)) == Best(missing=("why",))
