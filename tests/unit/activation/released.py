"""A warehouse with a release, for tests of what is delivered of it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from pyspark.sql import DataFrame, SparkSession

from cdp_spark.config.destination import AnyDestination, DestinationsConfig, FileDestination
from cdp_spark.config.insights.offers import OffersConfig
from cdp_spark.config.insights.scores import OutcomeConfig, ScoreConfig
from cdp_spark.config.insights.section import InsightsConfig
from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import ConsentPolicy, Project, ProjectSettings, SuppressionKey, Warehouse
from cdp_spark.config.sending import Cap, QuietHours
from cdp_spark.config.traits.model import TraitConfig
from cdp_spark.ingest.suppression.register import Entry, list_identifiers
from cdp_spark.tables.catalog import CONSENTS, DELIVERIES, EXPERIMENT_ASSIGNMENTS, PROFILES, SEGMENT_MEMBERS, TABLES
from cdp_spark.tables.run import RunContext
from cdp_spark.tables.spec import TableKind, TableSpec
from cdp_spark.tables.store import Store

AS_OF = datetime(2026, 1, 9, 2, tzinfo=UTC)
GRANTED = {"mail": "granted"}
KEY = SuppressionKey(secret_key="0123456789abcdef-not-shown")
CAPS = {"email": Cap(at_most=1, within_days=7)}
QUIET_HOURS = {"sms": QuietHours(start=21, end=8, zone_attribute="zone")}
INSIGHTS = InsightsConfig(
    traits=(TraitConfig(name="spend", of="sum", value_of="value", events=("purchase",)),),
    scores=(ScoreConfig(name="churn", outcome=OutcomeConfig(event_types=("purchase",), within_days=30)),),
    offers=OffersConfig(),
)


def profile(unified_id: str, **values: Any) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "entity_type": "person",
        "emails": [f"{unified_id}@x.org"],
        "email": f"{unified_id}@x.org",
        "phones": [],
        "attributes": {},
        "sources": ["crm"],
        "record_count": 1,
        "consents": GRANTED,
    }
    return {**dict.fromkeys(PROFILES.schema.names), **defaults, "unified_id": unified_id, **values}


def consent(point: str, status: str, *, purpose: str = "mail", source: str = "crm") -> tuple[object, ...]:
    point_hash = hashlib.sha256(point.encode()).hexdigest()
    given_at = datetime(2026, 1, 5, tzinfo=UTC)
    return ("email", point_hash, purpose, source, given_at, status, None, given_at, "run-1")


def destination(name: str, **values: Any) -> FileDestination:
    defaults = {"kind": "csv", "segment": "all", "path": f"exports/{name}", "columns": ("email",), "purpose": "mail"}
    return FileDestination(name=name, **{**defaults, **values})


class Warehouse7:
    """A warehouse with release 7 and the projects that export from it."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.folder = folder
        self.store = Store(spark, str(folder / "warehouse"))

    def fill(self, profiles: list[dict[str, Any]], consents: list[tuple[object, ...]]) -> None:
        spark = self.store.spark
        spans: list[tuple[object, ...]] = [("all", each["unified_id"], AS_OF, None, "h") for each in profiles]
        first = profiles[0]["unified_id"]
        spans.append(("all", first, datetime(2025, 1, 1, tzinfo=UTC), AS_OF, "h"))
        spans += [("buyers", first, AS_OF, None, "h"), ("vips", first, AS_OF, None, "h")]
        self.store.overwrite(PROFILES, spark.createDataFrame(profiles, PROFILES.schema))
        self.store.overwrite(
            SEGMENT_MEMBERS, spark.createDataFrame([(*it, None) for it in spans], SEGMENT_MEMBERS.schema)
        )
        self.store.append(CONSENTS, spark.createDataFrame(consents, CONSENTS.schema), application="test")

    def withdraw(self, point: str) -> None:
        self.store.append(CONSENTS, CONSENTS.table([consent(point, "withdrawn", source="shop")]), application=point)

    def write(self, spec: TableSpec, *rows: tuple[object, ...]) -> None:
        """Replace a table."""
        self.store.overwrite(spec, spec.table(rows))

    def suppress(self, kind: str, value: str) -> None:
        """Put an identifier on the suppression list."""
        list_identifiers(self.store, KEY, [(kind, value)], Entry("ann", "asked by phone", AS_OF))

    def assign(self, *rows: tuple[str, str, str]) -> None:
        """Put people into arms: experiment, unified_id, arm."""
        complete = [(*row, row[1], AS_OF, 1, "drawn", "{}", None, None) for row in rows]
        self.store.overwrite(EXPERIMENT_ASSIGNMENTS, EXPERIMENT_ASSIGNMENTS.table(complete))

    def context(self, *destinations: AnyDestination, **values: Any) -> RunContext:
        settings = ProjectSettings(
            name="shop",
            namespace=UUID(int=1),
            warehouse=Warehouse(path="warehouse"),
            consent=ConsentPolicy(purposes=("mail",)),
            suppression=KEY,
        )
        project = Project(
            folder=str(self.folder),
            settings=settings,
            sources=(),
            match=MatchConfig(),
            insights=INSIGHTS,
            destinations=DestinationsConfig(destinations=destinations, caps=CAPS, quiet_hours=QUIET_HOURS),
            config_hash="-",
        )
        gold = [spec for spec in TABLES.values() if spec.kind is TableKind.GOLD and self.store.exists(spec)]
        versions = {spec.name: self.store.version(spec) for spec in gold}
        defaults = {"run_id": "run-7", "ordinal": 7, "as_of": AS_OF, "base_versions": versions}
        return RunContext(store=self.store, project=project, **{**defaults, **values})

    def text(self, name: str) -> str:
        files = sorted((self.folder / "exports" / name / "release=7").glob("part-*.csv"))
        return "".join(file.read_text() for file in files)

    def deliveries(self) -> DataFrame:
        columns = ["destination", "release", "segment", "status", "row_count", "withheld_count", "run_id"]
        return self.store.read(DELIVERIES).select(*columns)
