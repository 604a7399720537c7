"""Spark and this process give the same clusters, pairs and model."""

import csv
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

import cdp_spark
from cdp_spark.standalone.api import Matches

FIRST = ["James", "Mary", "Robert", "Patricia", "Wei", "Fatima", "Olga", "Juan", "Priya", "Kofi", "Ingrid", "Mateo"]
LAST = ["Walker", "Okafor", "Nguyen", "Schmidt", "Rossi", "Haddad", "Kowalski", "Svensson", "Tanaka", "Moreau"]


def _people(seed: int) -> list[dict[str, str | None]]:
    """People of several systems, a third with a second record that has an error or lacks a value."""
    draw, rows = Random(seed), []
    for number in range(250):
        first, last = draw.choice(FIRST) + "a" * draw.randrange(4), draw.choice(LAST) + "son" * draw.randrange(2)
        row: dict[str, str | None] = {
            "id": f"p{number}",
            "system": draw.choice(["crm", "shop"]),
            "first_name": first,
            "last_name": last,
            "birth_date": f"{1940 + draw.randrange(61)}-{1 + draw.randrange(12):02}-{1 + draw.randrange(28):02}",
            "email": f"{first}.{last}{number}@mail.example".lower() if draw.random() < 0.8 else None,
            "phone": f"+49 30 {7000000 + draw.randrange(10**6)}",
            "postcode": f"{10000 + draw.randrange(300)}",
        }
        rows.append(row)
        if number % 3 == 0:
            missing = draw.choice(["email", "phone", "postcode"])
            rows.append(row | {"id": f"q{number}", missing: None, "last_name": last[0] + last[2] + last[1] + last[3:]})
    return rows


def _facts(found: Matches) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    tables = [it if isinstance(it, pa.Table) else it.toArrow() for it in (found.clusters, found.pairs)]
    clusters, pairs = (table.to_pylist() for table in tables)
    ordered = sorted(pairs, key=lambda row: (str(row["record_id_l"]), str(row["record_id_r"])))
    return sorted(clusters, key=lambda row: str(row["record_id"])), ordered


@pytest.mark.parametrize("seed", [1, 2])
def test_drawn_people(spark: SparkSession, seed: int) -> None:
    rows = _people(seed)
    options = {"id": "id", "source": "system", "unique_within_source": seed == 1}
    here = cdp_spark.resolve(pa.Table.from_pylist(rows), **options)  # type: ignore[arg-type]
    there = cdp_spark.resolve(spark.createDataFrame(pa.Table.from_pylist(rows[::-1])).repartition(3), **options)  # type: ignore[arg-type]
    assert there.model.to_json() == here.model.to_json()
    assert _facts(there) == _facts(here)


@pytest.mark.slow
def test_a_public_set(spark: SparkSession, public_data: Path) -> None:
    with (public_data / "febrl3" / "records.csv").open(encoding="utf-8") as file:
        rows = pa.Table.from_pylist(
            [{name: value or None for name, value in row.items()} for row in csv.DictReader(file)]
        )
    here = cdp_spark.resolve(rows, id="record_id")
    there = cdp_spark.resolve(spark.createDataFrame(rows), id="record_id")
    assert _facts(there) == _facts(here)
