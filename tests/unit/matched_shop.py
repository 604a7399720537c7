"""A small project whose records were matched and clustered, made without reading a file."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from cdp_spark.clustering import stage as clustering
from cdp_spark.config.authoring.starter import write_starter
from cdp_spark.config.load import load_project
from cdp_spark.config.project import Project
from cdp_spark.resolution import stage as matching
from cdp_spark.tables.catalog import RECORDS
from cdp_spark.tables.run import RunContext
from cdp_spark.tables.store import Store, open_store

AS_OF = datetime(2026, 2, 1, 2, tzinfo=UTC)
_GIVEN = ("Anna", "Boris", "Clara", "David", "Elena", "Felix", "Greta", "Hugo", "Irene", "Jonas", "Katja", "Lukas")
_FAMILY = ("Albrecht", "Bauer", "Castro", "Dumont", "Eriksen", "Fischer", "Garcia", "Horvat", "Ivanova", "Jensen")


@dataclass(frozen=True)
class Shop:
    """The project's folder, its configuration and its warehouse."""

    folder: Path
    project: Project
    store: Store

    def context(self, run_id: str = "run-1") -> RunContext:
        return RunContext(self.store, self.project, run_id, 1, AS_OF)

    def run_matching(self) -> None:
        matching.run(self.context())
        clustering.run(self.context())


def build_shop(spark: SparkSession, folder: Path) -> Shop:
    """Sixty people; every third has a second record with a typo and no phone: `crm:N` and `web:N`."""
    write_starter(folder)
    project = load_project(folder)
    store = open_store(spark, project)
    rows = [row for number in range(60) for row in _records(number)]
    store.overwrite(RECORDS, RECORDS.table([tuple(row.values()) for row in rows]))
    shop = Shop(folder, project, store)
    shop.run_matching()
    return shop


def copy_shop(shop: Shop, folder: Path) -> Shop:
    """The same project and tables elsewhere, to be written to."""
    shutil.copytree(shop.folder, folder)
    project = load_project(folder)
    return Shop(folder, project, open_store(shop.store.spark, project))


def write_truth(path: Path) -> Path:
    """Who each record of the shop is about: `crm:N` and `web:N` are one person."""
    keys = [(row["source"], row["source_record_id"]) for number in range(60) for row in _records(number)]
    lines = [f"{source},{number},p{number}" for source, number in keys]
    path.write_text("\n".join(["source,source_record_id,entity_id", *lines]), encoding="utf-8")
    return path


def _records(number: int) -> list[dict[str, Any]]:
    drawn = random.Random(number)
    given, family = drawn.choice(_GIVEN), drawn.choice(_FAMILY)
    first = record_of(f"a{number:02d}", "crm", str(number)) | {
        "given_name": given,
        "family_name": family,
        "birth_date": date(1940 + drawn.randint(0, 59), drawn.randint(1, 12), drawn.randint(1, 28)),
        "email": f"{given}.{family}{number}@example.com".lower(),
        "phone": f"+1202555{number:04d}",
        "street": f"{drawn.choice(['Oak', 'Elm', 'Maple', 'Cedar'])} Street",
        "city": "Springfield",
        "postcode": f"{62700 + number % 20}",
    }
    if number % 3:
        return [first]
    typo = family[:-2] + family[-1] + family[-2]
    return [first, first | _names(f"b{number:02d}", "web", number) | {"family_name": typo, "phone": None}]


def record_of(key: str, source: str, source_record_id: str, entity_type: str = "person") -> dict[str, Any]:
    """A row of `records` without a value."""
    names = {"record_key": key, "source": source, "source_record_id": source_record_id, "entity_type": entity_type}
    empty: dict[str, Any] = dict.fromkeys(RECORDS.schema.names)
    lists: dict[str, Any] = {"emails": [], "phones": [], "attributes": {}, "value_issues": []}
    return empty | lists | {"content_hash": "h", "ingested_at_utc": AS_OF} | names


def _names(key: str, source: str, number: int) -> dict[str, Any]:
    return {"record_key": key, "source": source, "source_record_id": str(number)}
