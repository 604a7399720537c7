"""Segments as a release has them, read without Spark wherever delta-rs can read the tables."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.config.base import nearest
from cdp_spark.errors import ConfigError, StateError
from cdp_spark.runs.releases import read_releases
from cdp_spark.runs.run_log import read_runs
from cdp_spark.segments.changes import ENTER, EXIT
from cdp_spark.tables.catalog import PROFILES, RECORDS, SEGMENT_CHANGES, SEGMENT_MEMBERS, SEGMENTS, UNIFIED_IDS
from cdp_spark.tables.rows import texts
from cdp_spark.view.facts import NAMING_COLUMNS, name_profile, record_title
from cdp_spark.view.segments.model import Membership, Overlap, SegmentFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from cdp_spark.config.project import Project
    from cdp_spark.config.segment import SegmentConfig
    from cdp_spark.runs.run_log import Run
    from cdp_spark.view.warehouse import ReleasedWarehouse

_STAGE = "segments"
_TITLING = (c.RECORD_KEY, c.ENTITY_TYPE, c.SOURCE, c.SOURCE_RECORD_ID)
_RECORDS_NAMED = 3


@dataclass(frozen=True)
class ReleasedSegments:
    """The segments of a project in a release.

    Args:
        warehouse: at the release.
        project: whose segments they are.
    """

    warehouse: ReleasedWarehouse
    project: Project

    @cached_property
    def evaluated(self) -> Run:
        """The run whose clock the release's memberships have: the last one behind it that evaluated segments.

        Raises:
            StateError: the run is not recorded.
        """
        found = next((it for it in self._published if _STAGE in it.finished), None)
        if found is None:
            got = "no run that evaluated segments"
            raise StateError(f"release {self.warehouse.release.number}", got=got, fix="run `cdp run nightly` first")
        return found

    @cached_property
    def figures(self) -> dict[str, Mapping[str, float]]:
        """The figures with which each stage finished last of the runs behind the release, by stage."""
        return {name: it.metrics for run in reversed(self._published) for name, it in run.finished.items()}

    @cached_property
    def _published(self) -> tuple[Run, ...]:
        """The runs behind the release, newest first."""
        store, content = self.warehouse.store, self.warehouse.release.content
        published = {it.run_id for it in read_releases(store) if it.number <= content}
        return tuple(it for it in read_runs(store) if it.run_id in published)

    @cached_property
    def _states(self) -> dict[str, dict[str, Any]]:
        """What the last run that evaluated segments says of each, by name."""
        return {it[c.SEGMENT]: it for it in self.warehouse.fetch(SEGMENTS).to_pylist()}

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Members by segment; 0 for a segment that was asked and has none, nothing for one that was not asked yet."""
        found = self._members((c.SEGMENT, c.EXITED_AT))[c.SEGMENT].value_counts()
        counts = {it["values"]: it["counts"] for it in found.to_pylist()}
        asked = self.evaluated.finished[_STAGE].metrics
        return {it.name: 0 for it in self.project.segments if f"segments.{it.name}" in asked} | counts

    def find(self, name: str) -> SegmentConfig:
        """The segment of a name.

        Raises:
            ConfigError: the project has none; names the nearest.
        """
        by_name = {it.name: it for it in self.project.segments}
        if name not in by_name:
            raise unknown_segment(name, by_name, "The project")
        return by_name[name]

    def list_all(self) -> tuple[SegmentFacts, ...]:
        """Tell of every segment of the project, by name."""
        return tuple(self._facts_of(it) for it in sorted(self.project.segments, key=lambda it: it.name))

    def overlap(self, names: Sequence[str]) -> Overlap:
        """Count what segments of the release have in common.

        Args:
            names: of segments; none for all that have members.

        Raises:
            ConfigError: the release does not have one of them; names the nearest.
        """
        for name in names:
            if name not in self.sizes:
                raise unknown_segment(name, self.sizes, f"Release {self.warehouse.release.number}")
        chosen = tuple(dict.fromkeys(names)) or tuple(sorted(it for it, size in self.sizes.items() if size))
        return count_overlap(self._members((c.SEGMENT, c.UNIFIED_ID, c.EXITED_AT)), chosen)

    def memberships(self, name: str, unified_id: str) -> tuple[Membership, ...]:
        """The spans in which somebody was in a segment, newest first, each with why it began and ended."""
        only = {c.SEGMENT: texts([name]), c.UNIFIED_ID: texts([unified_id])}
        clocks = {run.ordinal: run.as_of for run in read_runs(self.warehouse.store)}
        changes = self.warehouse.fetch(SEGMENT_CHANGES, only=only).to_pylist()
        reasons = {(it[c.CHANGE], clocks.get(it[c.RELEASE])): it[c.REASON] for it in changes}
        spans = self.warehouse.fetch(SEGMENT_MEMBERS, (c.ENTERED_AT, c.EXITED_AT, *only), only=only).to_pylist()
        return tuple(
            Membership(
                entered_at=it[c.ENTERED_AT],
                entered_because=reasons.get((ENTER, it[c.ENTERED_AT])),
                exited_at=it[c.EXITED_AT],
                exited_because=reasons.get((EXIT, it[c.EXITED_AT])) if it[c.EXITED_AT] else None,
            )
            for it in sorted(spans, key=lambda it: it[c.ENTERED_AT], reverse=True)
        )

    def some_members(self, name: str, count: int) -> tuple[str, ...]:
        """The first members of a segment of the release, by unified_id."""
        members = self._members((c.SEGMENT, c.UNIFIED_ID, c.EXITED_AT))
        return tuple(sorted(members.filter(pc.field(c.SEGMENT) == name)[c.UNIFIED_ID].to_pylist())[:count])

    def definition_hashes(self) -> dict[str, str]:
        """The definition that the members of each segment have; nothing for a segment without members."""
        rows = self._members((c.SEGMENT, c.DEFINITION_HASH, c.EXITED_AT)).group_by([c.SEGMENT, c.DEFINITION_HASH])
        return {it[c.SEGMENT]: it[c.DEFINITION_HASH] for it in rows.aggregate([]).to_pylist()}

    def name_people(self, unified_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Tell people by what a reader knows: their id, entity type, name, and the first records that they consist of.

        Args:
            unified_ids: of profiles.
        Returns: by unified_id.
        """
        only = {c.UNIFIED_ID: texts(sorted(set(unified_ids)))}
        profiles = {
            it[c.UNIFIED_ID]: it for it in self.warehouse.fetch(PROFILES, NAMING_COLUMNS, only=only).to_pylist()
        }
        titles = self._titles(only)
        return {
            it: {
                c.UNIFIED_ID: it,
                c.ENTITY_TYPE: profiles[it][c.ENTITY_TYPE],
                "name": name_profile(profiles[it]),
                "records": titles[it][:_RECORDS_NAMED],
            }
            for it in sorted(profiles)
        }

    def _titles(self, only: Mapping[str, pa.Array]) -> dict[str, list[str]]:
        """What the records of profiles are called, by unified_id; a visitor's only where there is nothing else."""
        borne = self.warehouse.fetch(UNIFIED_IDS, (c.RECORD_KEY, c.UNIFIED_ID), only=only).to_pylist()
        keys = {it[c.RECORD_KEY]: it[c.UNIFIED_ID] for it in borne}
        found: dict[str, list[tuple[bool, str]]] = defaultdict(list)
        for it in self.warehouse.fetch(RECORDS, _TITLING, only={c.RECORD_KEY: texts(sorted(keys))}).to_pylist():
            found[keys[it[c.RECORD_KEY]]].append((it[c.ENTITY_TYPE] == "visitor", record_title(it)))
        return defaultdict(list, {who: _own(sorted(titles)) for who, titles in found.items()})

    def _facts_of(self, segment: SegmentConfig) -> SegmentFacts:
        state = self._states.get(segment.name)
        uses = (it for it in self.project.destinations.destinations if segment.name in (*it.included, *it.exclude))
        return SegmentFacts(
            segment=segment.name,
            entity_type=segment.entity_type,
            members=self.sizes.get(segment.name),
            computed_at=state[c.COMPUTED_AT] if state else self.evaluated.as_of,
            destinations=tuple(it.name + ("" if segment.name in it.included else " (exclude)") for it in uses),
            description=segment.description,
            problem=state[c.REASON] if state else None,
        )

    def _members(self, columns: Sequence[str]) -> pa.Table:
        """The open spans of the release; `columns` has `exited_at_utc`."""
        return self.warehouse.fetch(SEGMENT_MEMBERS, columns).filter(pc.field(c.EXITED_AT).is_null())


def unknown_segment(name: str, known: Iterable[str], who: str) -> ConfigError:
    """Say that there is no segment of a name, with the nearest that there is.

    Args:
        name: that was asked for.
        known: the names that there are.
        who: has them, such as `The project`.
    """
    names = sorted(known)
    near = nearest(name, names)
    hint = f" Did you mean {near}?" if near else ""
    there = f"{who} has {', '.join(names)}." if names else f"{who} has none."
    return ConfigError("segment", got=repr(name), allowed=", ".join(names), said=f'No segment "{name}".{hint} {there}')


def count_overlap(members: pa.Table, names: Sequence[str]) -> Overlap:
    """Count the members that every two segments have in common.

    Args:
        members: one row per segment and unified_id.
        names: of the segments, in the order in which they are told.
    """
    codes = members[c.UNIFIED_ID].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    segments = members[c.SEGMENT].to_numpy()
    sets: list[NDArray[np.int64]] = [np.sort(codes[segments == name]) for name in names]
    shared = [[int(np.intersect1d(row, other, assume_unique=True).size) for other in sets] for row in sets]
    return Overlap(tuple(names), tuple(map(tuple, shared)))


def _own(titles: list[tuple[bool, str]]) -> list[str]:
    own = [title for is_visitor, title in titles if not is_visitor]
    return own or [title for _, title in titles]
