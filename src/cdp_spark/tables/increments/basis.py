"""What a stage's result depends on, and whether an earlier result can be kept or built on.

1. A stage records, among its figures, the Delta version of each table it read, a checksum of the settings it depends
   on, and its clock.
2. The next run finds these figures: with other settings, or where the result is no longer in place, there is no basis
   and the stage works on everything.
3. Where every table has the version that was read then, and the clock alone changes nothing, the result is kept: the
   tables keep their versions. Otherwise the stage is given the basis, and finds out by `difference` what changed. After
   an erasure it runs in any case, for its figures.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.tables.increments.keys import as_frame_of_keys, rows_not_among
from cdp_spark.tables.rows import as_frame
from cdp_spark.tables.run import Basis, StageResult
from cdp_spark.tables.spec import TableKind
from cdp_spark.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cdp_spark.config.project import Project
    from cdp_spark.tables.increments.keys import Keys
    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.run import RunContext
    from cdp_spark.tables.spec import TableSpec
    from cdp_spark.tables.store import Store

    Versions = Mapping[str, int]
    Carry = Callable[[Versions, int], Versions | None]
    """Follows versions through the erasures since a run; None where an erasure worked on other versions."""

BASIS_PREFIX = "basis."
"""Of the figures that only the next run asks for."""
_SETTINGS, _CLOCK = "settings", "as_of"
_ABSENT = -1
_CHECKSUM_DIGITS = 12
"""Hexadecimal digits of a checksum: a figure is a double, which holds whole numbers of 53 bits."""


@dataclass(frozen=True)
class Dependencies:
    """What a stage's result depends on, and what it is.

    Args:
        stage: its name.
        reads: the tables it is made from, an earlier version of its own tables apart.
        writes: the tables it consists of.
        settings: gives the part of the configuration that counts, as JSON.
        holds: whether the result would be the same at this run's clock, if no table changed.
        work: pattern of the figures that tell what a run did, not what the tables hold; a run that keeps them did 0.
        warns: gives what the run's reader should look at, of the figures.
    """

    stage: str
    reads: tuple[TableSpec, ...]
    writes: tuple[TableSpec, ...]
    settings: Callable[[Project], object]
    holds: Callable[[RunContext, Basis], bool] = lambda _context, _basis: True
    work: str = "(?!)"
    warns: Callable[[Project, Mapping[str, float]], tuple[str, ...]] = lambda _project, _figures: ()

    def name(self, part: str) -> str:
        """Name of a figure."""
        return f"{BASIS_PREFIX}{self.stage}.{part}"


def work_or_keep(
    context: RunContext, depends: Dependencies, work: Callable[[RunContext], StageResult], carry: Carry
) -> StageResult:
    """Run a stage, or keep its earlier result where nothing that it depends on has changed.

    Args:
        context: of the run; `last` is when the stage finished what it may build on.
        depends: on what the result depends.
        work: the stage.
        carry: follows versions through erasures.
    """
    versions = {spec.name: newest_version_of(context.store, spec) for spec in depends.reads}
    basis = _find_basis(context, depends, carry)
    is_same = basis is not None and not basis.erased and dict(basis.read) == versions
    if basis is not None and is_same and depends.holds(context, basis):
        result = _keep_result(context, depends, basis)
    else:
        result = work(replace(context, basis=basis))
    read = {name: result.versions.get(name, version) for name, version in versions.items()}
    return replace(result, metrics={**result.metrics, **_basis_figures(context, depends, read)})


def checksum(value: object) -> float:
    """Checksum of a JSON value and of this version of cdp-spark, as a figure."""
    text = json.dumps([__version__, value], sort_keys=True, default=str)
    return float(int(sha256(text.encode()).hexdigest()[:_CHECKSUM_DIGITS], 16))


def _find_basis(context: RunContext, depends: Dependencies, carry: Carry) -> Basis | None:
    """Find the earlier result that a stage can build on; None where it has to work on everything."""
    last, settings = context.last, checksum(depends.settings(context.project))
    if last is None or context.full or last.metrics.get(depends.name(_SETTINGS)) != settings:
        return None
    names = [spec.name for spec in depends.reads]
    figures = {name: last.metrics.get(depends.name(name)) for name in names}
    outputs = {spec.name: last.versions.get(spec.name) for spec in depends.writes}
    read = {name: int(figure) for name, figure in figures.items() if figure is not None}
    written = {name: version for name, version in outputs.items() if version is not None}
    if len(read) < len(figures) or len(written) < len(outputs):
        return None
    carried = carry(read | written, last.ordinal)
    if carried is None or not _in_place(context, depends, carried):
        return None
    as_of = datetime.fromtimestamp(last.metrics[depends.name(_CLOCK)], UTC)
    if as_of > context.as_of:
        return None
    return Basis(
        ordinal=last.ordinal,
        as_of=as_of,
        read={name: carried[name] for name in read},
        written={name: carried[name] for name in written},
        metrics=last.metrics,
        erased=carried != read | written,
    )


def _in_place(context: RunContext, depends: Dependencies, versions: Versions) -> bool:
    """Whether the tables of the result are those of the last release, or, where none is released, the newest."""
    there = {
        spec.name: context.base_versions.get(spec.name)
        if spec.kind is TableKind.GOLD
        else newest_version_of(context.store, spec)
        for spec in depends.writes
    }
    return all(versions[name] == version for name, version in there.items())


def newest_version_of(store: Store, spec: TableSpec) -> int:
    """The table's newest Delta version; -1 where there is none."""
    return store.version(spec) if store.exists(spec) else _ABSENT


def _keep_result(context: RunContext, depends: Dependencies, basis: Basis) -> StageResult:
    """Leave the tables as they are, and report the figures of what they hold."""
    versions = {spec.name: keep_table(context, spec, basis) for spec in depends.writes}
    figures = _kept_figures(depends, basis)
    warnings = depends.warns(context.project, figures)
    return StageResult(versions, figures, f"unchanged since run {basis.ordinal}", warnings)


def keep_table(context: RunContext, spec: TableSpec, basis: Basis) -> int:
    """Leave a table as it is, but for what a run without a release left in it; returns its version."""
    context.store.rewind(spec, basis.written[spec.name])
    return context.store.version(spec)


def extend_table(context: RunContext, spec: TableSpec, rows: Rows) -> int:
    """Append rows to what the last release shows, whatever a run without a release left; returns the version."""
    store, published = context.store, context.base_versions.get(spec.name)
    if published is None:
        return store.overwrite(spec, rows)
    store.rewind(spec, published)
    return store.append(spec, rows, application=None)


def with_others(context: RunContext, spec: TableSpec, rows: Rows, affected: Keys | None) -> Rows:
    """Add what the last release says of the profiles that a stage did not work on.

    Args:
        context: of the run.
        spec: a table with `unified_id`.
        rows: of the affected profiles.
        affected: their unified ids; None where all were worked on.
    """
    if affected is None:
        return rows
    if isinstance(affected, pa.Table) and isinstance(rows, pa.Table):
        released = rows_not_among(context.fetch_released(spec), c.UNIFIED_ID, affected)
        return pa.concat_tables([spec.conform_table(it) for it in (released, rows)])
    made, keys = spec.conform(as_frame(context.store.spark, rows)), as_frame_of_keys(context.store.spark, affected)
    others = rows_not_among(context.read_released(spec), c.UNIFIED_ID, keys)
    return others.select(*spec.schema.names).unionByName(made)


def empty_tables(context: RunContext, specs: Sequence[TableSpec]) -> dict[str, int]:
    """Empty the tables that nothing asks for any more; those that were never made stay unmade.

    Returns: the version of each table that is there.
    """
    store = context.store
    return {
        spec.name: store.overwrite(spec, spec.table([])) if store.count(spec) else store.version(spec)
        for spec in specs
        if store.exists(spec)
    }


def _kept_figures(depends: Dependencies, basis: Basis) -> dict[str, float]:
    """The figures of an earlier result that are those of this run, too."""
    own = {name: value for name, value in basis.metrics.items() if not name.startswith((BASIS_PREFIX, "skew."))}
    return {name: 0.0 if re.fullmatch(depends.work, name) else value for name, value in own.items()}


def _basis_figures(context: RunContext, depends: Dependencies, versions: Versions) -> dict[str, float]:
    """The figures by which the next run finds out whether this result can be kept.

    Args:
        context: of the run.
        depends: on what the result depends.
        versions: of the tables that were read; a table that grows meanwhile is looked at again by the next run.
    """
    read = {depends.name(name): float(version) for name, version in versions.items()}
    settings = checksum(depends.settings(context.project))
    return {**read, depends.name(_SETTINGS): settings, depends.name(_CLOCK): context.as_of.timestamp()}
