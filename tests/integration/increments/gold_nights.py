"""A dozen people whose records, ids, consents and events change, and a warehouse that makes the gold tables of them."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from pyspark.sql import types as T

from cdp_spark.config.insights.section import InsightsConfig
from cdp_spark.config.match import MatchConfig
from cdp_spark.config.profile import StewardOverride, SurvivorshipConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.config.segment import Condition, SegmentConfig
from cdp_spark.privacy.erase import count_rows_to_erase, erase_rows
from cdp_spark.privacy.people.traces import Traces
from cdp_spark.runs.dependencies import DEPENDENCIES
from cdp_spark.runs.run_log import (
    ERASURE,
    FINISHED,
    RUN_STAGE,
    STARTED,
    Run,
    StageOutcome,
    carry_over_erasures,
    last_finish,
)
from cdp_spark.runs.stages import AFTER_IDENTITY, work_of
from cdp_spark.tables.actions.removal import vacuum
from cdp_spark.tables.catalog import (
    CONSENTS,
    ID_CHANGES,
    ID_REGISTRY,
    IDENTIFIERS,
    RECORDS,
    SOURCE_EVENTS,
    TABLES,
    UNIFIED_IDS,
)
from cdp_spark.tables.increments.basis import work_or_keep
from cdp_spark.tables.run import RunContext, StageResult
from cdp_spark.tables.spec import TableSpec
from cdp_spark.tables.store import Store

CLOCK = datetime(2026, 11, 23, 2, tzinfo=UTC)
_EMPTY: dict[type[T.DataType], object] = {
    T.StringType: "",
    T.LongType: 0,
    T.TimestampType: CLOCK,
    T.BooleanType: True,
    T.ArrayType: [],
    T.MapType: {},
}


def make_project(**changes: Any) -> Project:
    """Segments that look at values, the day, relations, traits, events, and other segments; a steward's value."""
    asked = {
        "ulm": "city = 'Ulm'",
        "quiet": "days_since(last_seen_at_utc) > 3",
        "shared": "household_size > 1",
        "employed": "account.domain = 'acme.org'",
        "mailable": "has_consent('email_marketing')",
        "seen": "trait.seen >= 2",
        "away": "trait.quiet >= 4",
    }
    segments = [SegmentConfig(name=name, members=Condition(where=where)) for name, where in asked.items()]
    nested: dict[str, Any] = {
        "others": {"not": {"segment": "ulm"}},
        "silent": {"events": {"within_days": 5, "at_most": 0}},
        "twice": {"sequence": {"steps": [{}, {}], "since_days": 5}},
        "watched": {"account": {"members": {"who": {"segment": "twice"}}}},
        "shared_by_silent": {"household": {"who": {"segment": "silent"}, "others": True}},
    }
    segments += [
        SegmentConfig.model_validate_json(json.dumps({"name": name, "members": it})) for name, it in nested.items()
    ]
    active = Condition(where="trait.seen_below >= 1 and trait.staff = 0")
    segments.append(SegmentConfig(name="active_groups", entity_type="account", members=active))
    override = StewardOverride(unified_id="p3", attribute="city", value="Bonn", author="ann", reason="phoned")
    traits: list[dict[str, Any]] = [
        {"name": "seen", "of": "count", "window_days": 5},
        {"name": "quiet", "of": "days_since_last"},
        {"name": "staff", "of": "members", "entity": "account"},
        {"name": "seen_below", "of": "count", "entity": "account", "include_subsidiaries": True, "window_days": 5},
    ]
    values: dict[str, Any] = {
        "folder": ".",
        "settings": ProjectSettings(name="test", namespace=UUID(int=7), warehouse=Warehouse(path="w")),
        "sources": (),
        "match": MatchConfig(),
        "segments": tuple(segments),
        "insights": InsightsConfig.model_validate_json(json.dumps({"traits": traits})),
        "survivorship": SurvivorshipConfig(overrides=(override,)),
        "config_hash": "-",
    }
    return Project(**{**values, **changes})


def visitor_key(cookie: str) -> str:
    """The record of the visitor whom events with this cookie show."""
    identifiers = json.dumps({"cookie_id": cookie}, separators=(",", ":"))
    named = json.dumps({"kind": "visitor", "identifiers": identifiers}, separators=(",", ":"))
    return hashlib.sha256(named.encode()).hexdigest()[:32]


@dataclass
class World:
    """What the stages before would have written.

    Args:
        records: record_key to its values.
        ids: record_key to unified id.
        merged: an id that is gone to the one that has its records.
        consents: contact point, status and time, as given.
        events: event_key to the cookie that it bears.
    """

    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)
    consents: list[tuple[str, str, datetime]] = field(default_factory=list)
    events: dict[str, str] = field(default_factory=dict)

    @classmethod
    def begin(cls) -> World:
        """Eight people at four doors, two of them visitors, too; one visitor of whom nobody knows; two accounts.

        One record has a time that lies ahead.
        """
        world = cls()
        for number in range(8):
            for part in range(1 + number % 2):
                world.add_record(f"r{number}{part}", f"p{number}", number)
        world.records["r10"]["observed_at_utc"] = CLOCK + timedelta(days=3)
        for name in ("acme", "bolt"):
            account = {"entity_type": "account", "domain": f"{name}.org", "company_core": name}
            world.records[f"a_{name}"], world.ids[f"a_{name}"] = account, f"a_{name}"
        world.records["a_acme"]["parent_account"] = "Bolt Ltd"
        for cookie, who in {"c1": "p1", "c2": "p2", "c3": "v3"}.items():
            world.see(cookie, who)
        world.consents = [(f"m{number}@acme.org", "granted", CLOCK) for number in range(0, 8, 2)]
        return world

    def add_record(self, key: str, unified_id: str, number: int) -> None:
        """Add a record of somebody who lives behind every fourth door."""
        email = f"m{number}@acme.org" if number % 2 == 0 else f"m{number}@home.net"
        self.records[key] = {
            "entity_type": "person",
            "observed_at_utc": CLOCK,
            "given_name": f"Given{number}",
            "family_name": f"Family{number % 4}",
            "birth_date": datetime(1980, 1, 1 + number, tzinfo=UTC).date(),
            "email": email,
            "emails": [email],
            "street": f"Street {number % 4}",
            "house_number": "7",
            "city": "Ulm" if number % 3 else "Rome",
            "postcode": f"8907{number % 4}",
            "attributes": {"tier": f"t{number % 3}"},
        }
        self.ids[key] = unified_id

    def see(self, cookie: str, who: str) -> None:
        """Let a cookie be seen once more, by an id."""
        key = visitor_key(cookie)
        self.events[f"e{len(self.events):02d}"] = cookie
        self.records[key] = {"entity_type": "visitor", "event_sources": ["web"]}
        self.ids[key] = who

    def write(self, store: Store) -> StageResult:
        """Write all of it as it is now; consents and events grow, the rest is written anew every time."""
        kinds = {key: str(row["entity_type"]) for key, row in self.records.items()}
        records = [_row(RECORDS, {"record_key": key, "source": "crm", **row}) for key, row in self.records.items()]
        ids = [(key, kinds[key], unified_id) for key, unified_id in self.ids.items()]
        registry = [
            _row(ID_REGISTRY, {"unified_id": it, "entity_type": "person", "status": "live"})
            for it in {*self.ids.values()}
        ]
        registry += [
            _row(ID_REGISTRY, {"unified_id": it, "entity_type": "person", "status": "merged", "merged_into": into})
            for it, into in self.merged.items()
        ]
        found = [
            (key, "account", "domain", row["domain"], row["domain"], True, None, None)
            for key, row in self.records.items()
            if kinds[key] == "account"
        ]
        made: list[tuple[TableSpec, list[Any]]] = [
            (RECORDS, records),
            (UNIFIED_IDS, ids),
            (ID_REGISTRY, registry),
            (IDENTIFIERS, found),
            (ID_CHANGES, []),
        ]
        versions = {spec.name: store.overwrite(spec, spec.table(rows)) for spec, rows in made}
        return StageResult(versions | self._grow(store))

    def _grow(self, store: Store) -> dict[str, int]:
        known = {*store.fetch(SOURCE_EVENTS, ("event_key",))["event_key"].to_pylist()}
        events = [
            _row(SOURCE_EVENTS, {"event_key": key, "source": "web", "identifiers": {"cookie_id": cookie}})
            for key, cookie in self.events.items()
            if key not in known
        ]
        consents = [
            _row(
                CONSENTS,
                {
                    "contact_point_hash": hashlib.sha256(point.encode()).hexdigest(),
                    "purpose": "email_marketing",
                    "status": status,
                    "given_at_utc": at,
                },
            )
            for point, status, at in self.consents[store.count(CONSENTS) if store.exists(CONSENTS) else 0 :]
        ]
        added = [(SOURCE_EVENTS, events), (CONSENTS, consents)]
        return {spec.name: store.append(spec, spec.table(rows), application=None) for spec, rows in added if rows}


def _row(spec: TableSpec, values: Mapping[str, object]) -> tuple[object, ...]:
    """One row; columns that must not be null and are not given get an empty value."""
    return tuple(values.get(it.name, None if it.nullable else _EMPTY[type(it.dataType)]) for it in spec.schema)


@dataclass
class GoldWarehouse:
    """A warehouse with the runs that made it.

    Args:
        store: the tables.
        runs: finished ones.
        released: versions of the gold tables in the last release.
        content: the ordinal of its run.
    """

    store: Store
    runs: list[Run] = field(default_factory=list)
    released: dict[str, int] = field(default_factory=dict)
    content: int = 0

    def copied(self, folder: Path) -> GoldWarehouse:
        """The same warehouse in another place."""
        shutil.copytree(self.store.location, folder)
        return replace(self, store=Store(self.store.spark, str(folder)), runs=[*self.runs], released={**self.released})

    def night(
        self, written: StageResult, project: Project, *, ordinal: int, full: bool = False, released: bool = True
    ) -> Run:
        """Make the gold tables of what was written; publish them if they are to be `released`."""
        run = Run(f"run-{ordinal}", ordinal, CLOCK + timedelta(days=ordinal), "-", (_outcome("identity", written),))
        for stage in AFTER_IDENTITY:
            context = self._context(run, project, stage, full=full)
            carry = partial(carry_over_erasures, self.runs)
            result = work_or_keep(context, DEPENDENCIES[stage], work_of(stage), carry)
            run = replace(run, outcomes=(*run.outcomes, _outcome(stage, result)))
        self.runs.append(run)
        if released:
            gold = [*written.versions.items(), *(it for end in run.finished.values() for it in end.versions.items())]
            self.released, self.content = {name: v for name, v in gold if TABLES[name].kind == "gold"}, ordinal
        return run

    def _context(self, run: Run, project: Project, stage: str, *, full: bool) -> RunContext:
        last = last_finish(self.runs, stage, until=self.content) if self.content else None
        return RunContext(
            self.store, project, run.run_id, run.ordinal, run.as_of, base_versions=self.released, full=full, last=last
        )

    def erase(self, project: Project, names: tuple[str, ...], contacts: tuple[str, ...], *, ordinal: int) -> None:
        """Take people out of all tables and of their older versions, and publish that, as an erasure does."""
        there = {name: self.store.version(spec) for name, spec in TABLES.items() if self.store.exists(spec)}
        begun = {**there, **self.released}
        context = RunContext(self.store, project, f"run-{ordinal}", ordinal, CLOCK, base_versions=begun)
        traces = Traces(names, tuple(hashlib.sha256(it.encode()).hexdigest() for it in contacts))
        erase_rows(context, traces, count_rows_to_erase(context, traces))
        left = {name: self.store.version(TABLES[name]) for name in begun}
        for name in begun:
            vacuum(self.store, TABLES[name])
        start = StageOutcome(RUN_STAGE, STARTED, versions=begun, detail=ERASURE)
        erased = StageOutcome(ERASURE, FINISHED, 1.0, left)
        self.runs.append(Run(f"run-{ordinal}", ordinal, CLOCK, "-", (start, erased)))
        self.released, self.content = {name: left[name] for name in self.released}, ordinal


def _outcome(stage: str, result: StageResult) -> StageOutcome:
    return StageOutcome(stage, FINISHED, 1.0, result.versions, result.metrics, result.detail, result.warnings)
