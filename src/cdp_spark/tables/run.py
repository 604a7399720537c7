"""What a stage is given and what it reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cdp_spark.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    import pyarrow as pa
    from pyspark.sql import DataFrame

    from cdp_spark.config.project import Project
    from cdp_spark.tables.direct.table import Only
    from cdp_spark.tables.spec import TableSpec
    from cdp_spark.tables.store import Store


@dataclass(frozen=True)
class TableAccess:
    """Which tables a stage may touch.

    Args:
        stage: its name.
        reads: names of tables that it may read.
        writes: names of tables that it may write.
    """

    stage: str
    reads: frozenset[str]
    writes: frozenset[str]

    def check_read(self, table: str) -> None:
        """Refuse to read a table that the stage does not name.

        Raises:
            ContractError: it is not among those it may read.
        """
        self._check(table, self.reads, "read")

    def check_write(self, table: str) -> None:
        """Refuse to write a table that the stage does not name.

        Raises:
            ContractError: it is not among those it may write.
        """
        self._check(table, self.writes, "write")

    def _check(self, table: str, named: frozenset[str], what: str) -> None:
        if table not in named:
            raise ContractError(
                f"stage {self.stage}",
                got=f"an attempt to {what} table {table}",
                allowed=", ".join(sorted(named)) or "no table",
                fix="name the table in the stage's row of the stage table (cdp_spark/runs/stages.py)",
            )


@dataclass(frozen=True)
class LastFinish:
    """When a stage finished last, and what the tables were then.

    Args:
        ordinal: of the run that finished it.
        versions: the newest Delta version of each table that a stage had recorded by then, its own ones included.
        written: the newest version of each table that any stage has recorded until now; what a killed stage left
            behind is not among them.
        metrics: the figures with which it finished.
    """

    ordinal: int
    versions: Mapping[str, int]
    written: Mapping[str, int]
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Basis:
    """A stage's earlier result that this run builds on: of the same settings, and still in place.

    Args:
        ordinal: of the run that made it.
        as_of: that run's clock, UTC.
        read: the Delta version of each table that it was made from; -1 for a table that was not there yet. Of a table
            that an erasure wrote anew since, the version that the erasure left.
        written: the Delta version of each table of the result.
        metrics: its figures.
        erased: whether people were erased since.
    """

    ordinal: int
    as_of: datetime
    read: Mapping[str, int]
    written: Mapping[str, int]
    metrics: Mapping[str, float] = field(default_factory=dict)
    erased: bool = False


@dataclass(frozen=True)
class RunContext:
    """One run, as its stages see it; the same for a run that was killed and started again.

    Args:
        store: the warehouse.
        project: the checked configuration.
        run_id: of this run.
        ordinal: 1 for the first run; the release that this run publishes bears it.
        as_of: the run's only clock, UTC.
        base_versions: the last release's Delta version per gold table; empty before the first.
        force: accept deliveries that a guard would refuse (far fewer rows than last time).
        full: work on all records, whatever changed.
        last: when this stage finished last; of identity and the stages after it, when it finished for the last release.
            None before.
        basis: the earlier result that this stage may build on; None where it has to work on everything.
    """

    store: Store
    project: Project
    run_id: str
    ordinal: int
    as_of: datetime
    base_versions: Mapping[str, int] = field(default_factory=dict)
    force: bool = False
    full: bool = False
    last: LastFinish | None = None
    basis: Basis | None = None

    @property
    def now(self) -> datetime:
        """The run's clock in the project's time zone."""
        return self.as_of.astimezone(ZoneInfo(self.project.settings.time_zone))

    @property
    def today(self) -> date:
        """The day of the run in the project's time zone."""
        return self.now.date()

    def day_of(self, moment: datetime) -> date:
        """The day of a time in the project's time zone."""
        return moment.astimezone(ZoneInfo(self.project.settings.time_zone)).date()

    def last_figure(self, name: str) -> float | None:
        """A figure with which the stage finished last; None where it did not have it, or never finished."""
        return self.last.metrics.get(name) if self.last else None

    def read_released(self, spec: TableSpec) -> DataFrame:
        """A gold table as the last release published it; no rows before the first."""
        if spec.name not in self.base_versions:
            return self.store.spark.createDataFrame([], spec.schema).limit(0)  # the optimiser sees that it is empty
        return self.store.read(spec, version=self.base_versions[spec.name])

    def fetch_released(
        self, spec: TableSpec, columns: Sequence[str] | None = None, *, only: Only | None = None
    ) -> pa.Table:
        """What `read_released` reads, on the driver; columns and wanted values as of `Store.fetch`."""
        if spec.name not in self.base_versions:
            return spec.table([]).select(columns or spec.schema.names)
        return self.store.fetch(spec, columns, only=only, version=self.base_versions[spec.name])

    def application(self, stage: str, spec: TableSpec) -> str:
        """The idempotency name of this run's appends to a table in a stage."""
        return f"{self.run_id}:{stage}:{spec.name}"


@dataclass(frozen=True)
class StageResult:
    """What a stage did.

    Args:
        versions: the Delta version of each table it wrote.
        metrics: its figures, by dotted name, such as `crm.rows_new` or `pairs.candidates`.
        detail: one sentence for the run's record, such as which engine ran and why.
        warnings: what the run's reader should look at; each a sentence.
    """

    versions: Mapping[str, int] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    detail: str = ""
    warnings: tuple[str, ...] = ()
