"""A warehouse that the tests of evaluation, explanation and labelling share, and may only read."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.unit.matched_shop import Shop, build_shop, copy_shop


@pytest.fixture(scope="session")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return build_shop(spark, tmp_path_factory.mktemp("matched") / "shop")


@pytest.fixture
def own_shop(shop: Shop, tmp_path: Path) -> Shop:
    """A copy that a test may write to."""
    return copy_shop(shop, tmp_path / "shop")
