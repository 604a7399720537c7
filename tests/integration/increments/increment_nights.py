"""A few dozen records that change at random from night to night, and a warehouse that runs matching to identity."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from cdp_spark.config.match import EntityMatch, MatchConfig
from cdp_spark.config.project import Gates, Project, ProjectSettings, Warehouse
from cdp_spark.config.source import SourceConfig
from cdp_spark.resolution.blocking.slots import all_rules
from cdp_spark.resolution.frames import build_key_sizes, read_key_use
from cdp_spark.resolution.learning.fitting import forced_comparisons
from cdp_spark.resolution.learning.parameters import Parameters
from cdp_spark.resolution.linkage import slots_of
from cdp_spark.resolution.model import MatchModel
from cdp_spark.resolution.models import FittedBy, write_model
from cdp_spark.resolution.scored import keyed_records
from cdp_spark.runs.run_log import FINISHED, Run, StageOutcome, last_finish
from cdp_spark.runs.stages import BY_NAME, work_of
from cdp_spark.tables.catalog import GOLD, IDENTIFIERS, LABELS, RECORDS
from cdp_spark.tables.direct.write import Write
from cdp_spark.tables.run import RunContext, StageResult
from cdp_spark.tables.spec import TableSpec
from cdp_spark.tables.store import Store

CLOCK = datetime(2026, 11, 23, 2, tzinfo=UTC)
STAGES = ("matching", "clustering", "identity")
_GIVEN, _FAMILY, _CITY = ("Ann", "Ben", "Cay", "Dee"), ("Fox", "Lee", "Ray"), ("York", "Hull")
_PURGED_RULE = "city"

MATCH = EntityMatch.model_validate_json(
    """{
    "blocking": [
        {"name": "email", "keys": ["email"]},
        {"name": "family", "keys": ["family_name"], "split_by": "city", "max_block_records": 2},
        {"name": "names", "keys": ["given_name", "family_name"], "max_block_records": 3},
        {"name": "city", "keys": ["city"], "max_block_records": 4, "split_by": "given_name"}
    ],
    "comparisons": [
        {"name": "given_name", "method": "exact", "columns": ["given_name"], "term_frequency": false},
        {"name": "family_name", "method": "exact", "columns": ["family_name"], "term_frequency": false},
        {"name": "email", "method": "exact", "columns": ["email"], "term_frequency": false}
    ],
    "deterministic": [{"name": "same_phone", "columns": ["phone"]}],
    "clustering": {"unique": ["birth_date"]}
    }"""
)


def make_project(*, visitors: bool, accounts: bool = False) -> Project:
    """People with cards and log-ins; a night with more than five records in a cluster holds it."""
    crm: dict[str, object] = {"name": "crm", "kind": "records", "format": "csv", "path": "crm.csv", "key": ["id"]}
    mapped = {"columns": {"email": "email"}, "identifiers": {"user_id": "user", "loyalty_id": "card"}}
    borne = {"event_type": "t", "occurred_at": "at", "identifiers": {"user_id": "u", "cookie_id": "c"}}
    web: dict[str, object] = {"name": "web", "kind": "events", "format": "csv", "path": "web.csv", "events": borne}
    sources = tuple(
        SourceConfig.model_validate_json(json.dumps(it)) for it in ([crm | mapped, web] if visitors else [crm | mapped])
    )
    settings = ProjectSettings(
        name="test", namespace=UUID(int=7), warehouse=Warehouse(path="w"), gates=Gates(max_cluster_records=5)
    )
    match = MatchConfig(person=MATCH, account=MATCH if accounts else None)
    return Project(folder=".", settings=settings, sources=sources, match=match, config_hash="0")


@dataclass
class World:
    """Records as they are tonight.

    Args:
        dice: decides everything.
        has_visitors: some cookies are seen, too.
        has_accounts: every fourth record is an account's.
        rows: record_key to its values; identifiers stand under their type.
        visitors: record_key to its identifiers.
        issued: records that there ever were.
    """

    dice: random.Random
    has_visitors: bool
    has_accounts: bool = False
    rows: dict[str, dict[str, str | None]] = field(default_factory=dict)
    visitors: dict[str, dict[str, str]] = field(default_factory=dict)
    issued: int = 0

    def grow(self, records: int) -> None:
        """Add records; a third of them like one that is there."""
        for _ in range(records):
            self.issued += 1
            key = f"{self.dice.randrange(16**4):04x}{self.issued:03d}"
            alike = self.dice.random() < 0.35 and self.rows
            self.rows[key] = dict(self.dice.choice(list(self.rows.values()))) if alike else self._person()
            if alike:
                self._change(key)

    def pass_a_night(self) -> None:
        """Add, change and remove a few records."""
        for key in self.dice.sample(sorted(self.rows), 3):
            self._change(key)
        for key in self.dice.sample(sorted(self.rows), 2):
            del self.rows[key]
        self.grow(3)
        self.meet_visitors()

    def meet_visitors(self) -> None:
        """Some cookies, a few of them with a log-in that may come and go."""
        if not self.has_visitors:
            return
        users = [row["user_id"] for row in self.rows.values() if row["user_id"]]
        seen = {f"v{number:03d}": {"cookie_id": f"c{number % 9}"} for number in range(self.dice.randrange(6, 14))}
        for key in sorted(seen):
            if self.dice.random() < 0.3 and users:
                seen[key]["user_id"] = self.dice.choice(users)
        self.visitors = seen

    def _person(self) -> dict[str, str | None]:
        roll, number = self.dice.random, self.dice.randrange
        return {
            "given_name": self.dice.choice(_GIVEN),
            "family_name": self.dice.choice(_FAMILY),
            "city": self.dice.choice(_CITY),
            "email": f"e{number(30)}@x.org" if roll() < 0.6 else None,
            "phone": f"+1202555{number(9000):04d}" if roll() < 0.4 else None,
            "birth_date": f"19{number(40, 99)}-01-01" if roll() < 0.3 else None,
            "user_id": f"u{number(20)}" if roll() < 0.3 else None,
            "loyalty_id": f"L{number(12)}" if roll() < 0.4 else None,
        }

    def _change(self, key: str) -> None:
        name, value = self.dice.choice(sorted(self._person().items()))
        self.rows[key][name] = value

    def kind_of(self, key: str) -> str:
        """The entity type of a record."""
        return "account" if self.has_accounts and int(key[4:]) % 4 == 0 else "person"

    def people(self, spark: SparkSession) -> DataFrame:
        """The records of people, and of accounts where there are some, cleaned."""
        rows = [
            _row(RECORDS, {"record_key": key, "entity_type": self.kind_of(key), "source": "crm", **_typed(row)})
            for key, row in self.rows.items()
        ]
        return spark.createDataFrame(rows, RECORDS.schema)

    def write(self, store: Store) -> StageResult:
        """Write `records` and `identifiers`, as standardise does."""
        seen = self.visitors
        visitors = [_row(RECORDS, {"record_key": key, "entity_type": "visitor", "source": "web"}) for key in seen]
        identifiers = [
            (key, self.kind_of(key), kind, row[kind])
            for key, row in self.rows.items()
            for kind in ("user_id", "loyalty_id", "email")
            if row[kind]
        ]
        identifiers += [(key, "visitor", kind, value) for key, values in seen.items() for kind, value in values.items()]
        found = [(*it, it[3], True, None, None) for it in identifiers]
        spark = store.spark
        records = self.people(spark).unionByName(spark.createDataFrame(visitors, RECORDS.schema))
        return StageResult(
            {
                RECORDS.name: store.overwrite(RECORDS, records),
                IDENTIFIERS.name: store.overwrite(IDENTIFIERS, spark.createDataFrame(found, IDENTIFIERS.schema)),
            }
        )


def _typed(row: Mapping[str, str | None]) -> dict[str, object]:
    values: dict[str, object] = {name: value for name, value in row.items() if not name.endswith("_id")}
    born, came = row["birth_date"], row.get("ingested_at_utc")
    when = {"ingested_at_utc": datetime.fromisoformat(came)} if came else {}
    return {**values, **when, "birth_date": datetime.fromisoformat(born).date() if born else None}


def _row(spec: TableSpec, values: Mapping[str, object]) -> tuple[object, ...]:
    """One row; columns that must not be null and are not given get an empty value."""
    empty: dict[type[T.DataType], object] = {
        T.StringType: "",
        T.LongType: 0,
        T.TimestampType: CLOCK,
        T.ArrayType: [],
        T.MapType: {},
    }
    return tuple(values.get(it.name, None if it.nullable else empty[type(it.dataType)]) for it in spec.schema)


class Killed(BaseException):
    """Stands for SIGKILL: nothing gets to record it."""


@dataclass(frozen=True)
class DyingStore(Store):
    """Is killed once a number of writes were made."""

    writes_left: int = 1

    def _write(self, spec: TableSpec, rows: DataFrame | pa.Table, write: Write) -> int:
        if self.writes_left <= 0:
            raise Killed
        version = super()._write(spec, rows, write)
        object.__setattr__(self, "writes_left", self.writes_left - 1)
        if self.writes_left == 0:
            raise Killed
        return version


def model_of(records: DataFrame, *, prior: float = 0.3) -> MatchModel:
    """A model made by hand, whose purged keys are those that too many of the records share."""
    slots, rules = slots_of(MATCH), all_rules(MATCH)
    use = read_key_use(build_key_sizes(keyed_records(records, MATCH)), slots)
    parameters = Parameters(
        prior=np.full(len(rules), prior),
        m=(np.array([1.0, 0.1, 0.9]),) * 3,
        u=(np.array([1.0, 0.7, 0.3]),) * 3,
        log_likelihood=-1.0,
        iterations=1,
        converged=True,
    )
    names = tuple(rule.name for rule in rules)
    forced = forced_comparisons(rules, MATCH.comparisons)
    return MatchModel(MATCH, names, forced, parameters, {}, tuple(use.purged.tolist()))


@dataclass
class NightlyWarehouse:
    """A warehouse with the runs that made it.

    Args:
        store: the tables.
        project: its configuration.
        runs: finished ones, and those that failed.
        released: versions of the gold tables in the last release.
    """

    store: Store
    project: Project
    runs: list[Run] = field(default_factory=list)
    released: dict[str, int] = field(default_factory=dict)

    def copied(self, folder: Path) -> NightlyWarehouse:
        """The same warehouse in another place."""
        shutil.copytree(self.store.location, folder)
        return replace(self, store=Store(self.store.spark, str(folder)), runs=[*self.runs], released={**self.released})

    def fit(self, *, version: int = 1, prior: float = 0.3, entity_types: Sequence[str] = ()) -> None:
        """Save a model by hand, of each entity type or of some."""
        for entity_type in entity_types or self.project.match.entities:
            model = model_of(self.store.read_of_type(RECORDS, entity_type), prior=prior)
            write_model(self.store, entity_type, model, version=version, by=FittedBy("hand", CLOCK))

    def night(self, written: StageResult, *, ordinal: int, full: bool = False, stages: tuple[str, ...] = STAGES) -> Run:
        """Run the stages on what was written, and release the ids."""
        run = Run(f"run-{ordinal}", ordinal, CLOCK + timedelta(days=ordinal), "0", (_outcome("standardise", written),))
        for stage in stages:
            result = work_of(stage)(self.context(run, stage, full=full))
            run = replace(run, outcomes=(*run.outcomes, _outcome(stage, result)))
        self.runs.append(run)
        if "identity" in stages:
            self.released = {
                it.name: run.finished["identity"].versions[it.name]
                for it in GOLD
                if it.name in run.finished["identity"].versions
            }
        return run

    def die(self, written: StageResult, *, ordinal: int, stage: str, writes: int) -> None:
        """Run the stages up to one that is killed after some writes; nothing is recorded of it."""
        before = STAGES[: STAGES.index(stage)]
        run = self.night(written, ordinal=ordinal, stages=before)
        context = self.context(run, stage)
        mortal = DyingStore(self.store.spark, self.store.location, writes_left=writes)
        with pytest.raises(Killed):
            work_of(stage)(replace(context, store=mortal.limited_to(BY_NAME[stage].access)))

    def context(self, run: Run, stage: str, *, full: bool = False) -> RunContext:
        """What a run would give the stage."""
        return RunContext(
            self.store.limited_to(BY_NAME[stage].access),
            self.project,
            run.run_id,
            run.ordinal,
            run.as_of,
            base_versions=self.released,
            full=full,
            last=last_finish((*self.runs, run), stage),
        )


def _outcome(stage: str, result: StageResult) -> StageOutcome:
    return StageOutcome(stage, FINISHED, 1.0, result.versions, result.metrics, result.detail)


def label(store: Store, pair: tuple[str, str], word: str, *, day: int) -> None:
    """Say something about two records."""
    left, right = sorted(pair)
    row = (left, right, CLOCK + timedelta(days=day), word, "test", None)
    store.append(LABELS, store.spark.createDataFrame([row], LABELS.schema), application=f"label-{day}-{left}-{right}")


def start(spark: SparkSession, folder: Path, world: World, *, visitors: bool) -> NightlyWarehouse:
    """A warehouse after its first night."""
    project = make_project(visitors=visitors, accounts=world.has_accounts)
    warehouse = NightlyWarehouse(Store(spark, str(folder)), project)
    written = world.write(warehouse.store)
    warehouse.fit()
    warehouse.night(written, ordinal=1)
    return warehouse
