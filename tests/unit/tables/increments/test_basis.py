"""When a stage's earlier result is kept, built on, or neither."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.tables.catalog import IDENTIFIERS, PROFILES, RECORDS, UNIFIED_IDS
from cdp_spark.tables.increments.basis import Dependencies, work_or_keep
from cdp_spark.tables.run import Basis, LastFinish, RunContext, StageResult
from cdp_spark.tables.spec import TableSpec
from cdp_spark.tables.store import Store

MONDAY = datetime(2026, 11, 23, 2, tzinfo=UTC)


@dataclass
class FakeStore:
    """Tables without rows: only their versions count."""

    versions: dict[str, int]

    def exists(self, spec: TableSpec) -> bool:
        return spec.name in self.versions

    def version(self, spec: TableSpec) -> int:
        return self.versions[spec.name]

    def rewind(self, spec: TableSpec, version: int) -> None:
        if self.versions[spec.name] != version:
            self.versions[spec.name] += 1


@dataclass
class Nights:
    """A stage that makes profiles of records and ids, night after night; each is released."""

    store: FakeStore = field(default_factory=lambda: FakeStore({RECORDS.name: 1, UNIFIED_IDS.name: 1}))
    last: LastFinish | None = None
    bases: list[Basis | None] = field(default_factory=list)
    name: str = "test"
    holds: bool = True
    carried: Mapping[str, int] | None = None

    def work(self, context: RunContext) -> StageResult:
        self.bases.append(context.basis)
        self.store.versions[PROFILES.name] = self.store.versions.get(PROFILES.name, -1) + 1
        figures = {"profiles.person": 2.0, "profiles.written": 2.0, "skew.profiles": 1.0}
        return StageResult({PROFILES.name: self.store.versions[PROFILES.name]}, figures, "worked")

    def night(self, **changes: Any) -> StageResult:
        ordinal = self.last.ordinal + 1 if self.last else 1
        settings = ProjectSettings(name=self.name, namespace=UUID(int=1), warehouse=Warehouse(path="w"))
        project = Project(folder=".", settings=settings, sources=(), match=MatchConfig(), config_hash="-")
        depends = Dependencies(
            "profiles",
            reads=(RECORDS, UNIFIED_IDS, IDENTIFIERS),
            writes=(PROFILES,),
            settings=lambda project: project.settings.name,
            holds=lambda _context, _basis: self.holds,
            work=r".*written",
            warns=lambda _project, figures: (f"{figures['profiles.person']:.0f} people",),
        )
        released = {PROFILES.name: self.last.versions[PROFILES.name]} if self.last else {}
        context = RunContext(
            cast("Store", self.store), project, f"run-{ordinal}", ordinal, MONDAY + timedelta(ordinal), released
        )
        given = replace(context, last=self.last, **changes)
        result = work_or_keep(given, depends, self.work, lambda versions, _: self.carried or versions)
        self.last = LastFinish(ordinal, result.versions, result.versions, result.metrics)
        return result


@pytest.fixture
def nights() -> Nights:
    nights = Nights()
    nights.night()
    return nights


def test_a_result_is_kept_where_no_table_it_was_made_from_has_a_new_version(nights: Nights) -> None:
    kept, again = nights.night(), nights.night()
    assert (kept.versions, kept.detail, kept.warnings) == ({"profiles": 0}, "unchanged since run 1", ("2 people",))
    figures = {name: value for name, value in kept.metrics.items() if not name.startswith("basis.")}
    assert figures == {"profiles.person": 2.0, "profiles.written": 0.0}
    assert (again.versions, again.detail) == ({"profiles": 0}, "unchanged since run 2")
    assert nights.bases == [None]


def test_what_a_run_without_a_release_left_is_undone_where_the_result_is_kept(nights: Nights) -> None:
    nights.store.versions[PROFILES.name] = 1
    assert nights.night().versions == {"profiles": 2}


@pytest.mark.parametrize("table", [RECORDS, IDENTIFIERS], ids=lambda spec: spec.name)
def test_a_stage_is_told_what_it_may_build_on_where_a_table_changed(nights: Nights, table: TableSpec) -> None:
    nights.store.versions[table.name] = 2
    assert nights.night().detail == "worked"
    basis = nights.bases[1]
    assert basis is not None
    assert (basis.ordinal, basis.as_of, basis.erased) == (1, MONDAY + timedelta(1), False)
    assert (basis.read, basis.written) == ({"records": 1, "unified_ids": 1, "identifiers": -1}, {"profiles": 0})


def test_a_stage_works_again_where_the_clock_alone_may_change_its_result(nights: Nights) -> None:
    nights.holds = False
    assert nights.night().detail == "worked"
    assert nights.bases[1] is not None


def test_there_is_nothing_to_build_on_with_other_settings_in_a_full_run_or_after_another_release(
    nights: Nights,
) -> None:
    nights.night(full=True)
    nights.name = "other"
    nights.night()
    nights.night(base_versions={"profiles": 7})
    nights.night(as_of=MONDAY)
    assert nights.bases == [None] * 5


def test_what_an_erasure_left_takes_the_place_of_what_was_read(nights: Nights) -> None:
    nights.carried = {"records": 2, "unified_ids": 2, "identifiers": -1, "profiles": 5}
    nights.store.versions |= {RECORDS.name: 3, UNIFIED_IDS.name: 2, PROFILES.name: 5}
    nights.night(base_versions={"profiles": 5})
    basis = nights.bases[1]
    assert basis is not None
    assert (basis.read["records"], basis.written, basis.erased) == (2, {"profiles": 5}, True)
