"""`cdp_spark.open`: a project's tables from Python, and its nightly run.

A table is read as pandas, Arrow or Spark. pandas and Arrow need no Spark session where the warehouse is a folder of
this machine: delta-rs reads it. Gold tables are read as a release published them, the others as they are now. Whatever
needs Spark joins the session that is there, or starts one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.activation.audiences.audience import build_consenting_profiles
from cdp_spark.activation.audiences.reading import suppression_test
from cdp_spark.config.base import choose_one
from cdp_spark.config.load import load_project
from cdp_spark.errors import ConfigError, StateError
from cdp_spark.normalise.times import parse_time
from cdp_spark.runs.releases import Release, current_release, find_release, read_releases
from cdp_spark.session import get_project_session
from cdp_spark.tables.catalog import CONSENTS, PROFILES, RUNS, SEGMENT_MEMBERS, TABLES
from cdp_spark.tables.consents import (
    build_contact_point_consents,
    fetch_issues,
    find_open,
    holding,
    of_purpose,
    tell_names,
)
from cdp_spark.tables.rows import rows_with, texts
from cdp_spark.tables.spec import TableKind
from cdp_spark.tables.store import Store, open_folder, open_store
from cdp_spark.view.segments.asked import AskedSegments
from cdp_spark.view.warehouse import ReleasedWarehouse, reader_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from pyspark.sql import DataFrame

    from cdp_spark.config.project import Project
    from cdp_spark.runs.summary import RunSummary
    from cdp_spark.tables.direct.table import Only
    from cdp_spark.tables.spec import TableSpec
    from cdp_spark.view.segments.model import Explanation, SegmentSize

Form = Literal["pandas", "arrow", "spark"]
"""What a table is read as."""
_PERSON = "person"


def open(folder: Path | str = "conf") -> OpenProject:  # noqa: A001 - used as `cdp_spark.open`
    """Open a project to read its tables and to run it.

    Args:
        folder: the project's folder, with its `project.yaml`.

    Raises:
        InvalidProjectError: all errors of the configuration at once.
    """
    return OpenProject(load_project(Path(folder).resolve()))  # Java stays in the folder it was started in


@dataclass(frozen=True)
class OpenProject:
    """A project whose tables can be read, as the newest release shows them or as an older one did.

    Args:
        project: the checked configuration.
        chosen: number of the release to read; None reads the newest.
    """

    project: Project
    chosen: int | None = None

    def at(self, time: datetime | str | None = None, *, release: int | None = None) -> OpenProject:
        """Return the project as an older release shows it.

        Args:
            time: choose the newest release whose run's clock is not later; ISO 8601, UTC if it has no offset.
            release: choose the release of this number.

        Raises:
            ConfigError: neither or both are given, or the text is no time.
            StateError: there is no such release, or an erasure expired it.
        """
        if (time is None) == (release is None):
            raise ConfigError(
                "at", got="neither or both", allowed="a time or release=NUMBER", fix="give one of the two"
            )
        number = self._number_at(time) if time is not None else find_release(self._small, int(release or 0)).number
        return replace(self, chosen=number)

    @property
    def release(self) -> Release:
        """The release that is read.

        Raises:
            StateError: nothing was published yet.
        """
        return current_release(self._small) if self.chosen is None else find_release(self._small, self.chosen)

    def releases(self) -> tuple[Release, ...]:
        """List what was published, newest first."""
        return tuple(read_releases(self._small))

    def tables(self) -> dict[str, str]:
        """Say what one row of each table is, by the table's name."""
        return {name: spec.grain for name, spec in TABLES.items()}

    def table(self, name: str, as_: Form = "pandas", *, columns: Sequence[str] | None = None) -> Any:  # noqa: ANN401
        """Read a table: a gold table at the release, any other as it is now.

        Args:
            name: of the table; `tables()` lists them.
            as_: pandas, arrow or spark.
            columns: columns to return; None returns all.

        Raises:
            ConfigError: there is no such table, column or form.
            StateError: nothing was published yet, or the release's files are gone, or an older release is to be read
                and does not have the table.
        """
        spec = TABLES[_known("table", name, TABLES)]
        for column in columns or ():
            _known(f"table {name}, column", column, spec.schema.names)
        return self._read(spec, as_, columns, only={})

    def profiles(self, as_: Form = "pandas", *, entity_type: str | None = None, purpose: str | None = None) -> Any:  # noqa: ANN401
        """Read the profiles at the release.

        Args:
            as_: pandas, arrow or spark.
            entity_type: person, account or visitor; None returns all, with a purpose people.
            purpose: return those only that consent to it, without the e-mails and phones that do not; consents are read
                as they are now. Needs Spark.

        Raises:
            ConfigError: there is no such form, entity type or purpose.
            StateError: as `table`, or a withdrawal of the purpose cannot be read.
        """
        kinds = (_PERSON, "account", "visitor")
        only = {} if entity_type is None else {c.ENTITY_TYPE: texts([_known("entity_type", entity_type, kinds)])}
        if purpose is None:
            return self._read(PROFILES, as_, None, only=only)
        _known("form", as_, get_args(Form))
        rows = self._consenting(purpose).where(F.col(c.ENTITY_TYPE) == (entity_type or _PERSON))
        return rows if as_ == "spark" else rows.toPandas() if as_ == "pandas" else rows.toArrow()

    def _consenting(self, purpose: str) -> DataFrame:
        """The profiles that may be used for a purpose, as exports see it."""
        policy = self.project.settings.consent
        _known("purpose", purpose, policy.purposes)
        unread = of_purpose(holding(find_open(fetch_issues(self._small)), self.project), purpose)
        if unread:
            got = f"a withdrawal that cannot be read: {tell_names(unread)}"
            raise StateError(
                f"purpose {purpose}", got=got, fix="`cdp consent list` shows it, `cdp consent settle` ends it"
            )
        consents = build_contact_point_consents(self._store.read(CONSENTS))
        return build_consenting_profiles(
            self._frame(PROFILES),
            consents,
            purpose=purpose,
            policy=policy,
            is_suppressed=suppression_test(self._store, self.project),
        )

    def segment(self, name: str, as_: Form = "pandas") -> Any:  # noqa: ANN401
        """Read the profiles that are in a segment at the release.

        Args:
            name: of a segment of the project, or of one that the release has.
            as_: pandas, arrow or spark.

        Raises:
            ConfigError: there is no such segment or form.
            StateError: as `table`.
        """
        _known("form", as_, get_args(Form))
        shown = replace(self, chosen=self.release.number)  # both tables of one release, whatever is published meanwhile
        return shown._segment_in_spark(name) if as_ == "spark" else shown._segment_in_memory(name, as_)

    def _segment_in_memory(self, name: str, as_: Form) -> Any:  # noqa: ANN401
        spans = self._fetch(SEGMENT_MEMBERS, (c.SEGMENT, c.UNIFIED_ID, c.EXITED_AT), only={})
        self._check_segment(name, spans[c.SEGMENT].unique().to_pylist())
        now = spans.filter((pc.field(c.SEGMENT) == name) & pc.field(c.EXITED_AT).is_null())
        return self._read(PROFILES, as_, None, only={c.UNIFIED_ID: now[c.UNIFIED_ID].combine_chunks()})

    def segment_sizes(self, *names: str) -> tuple[SegmentSize, ...]:
        """Count the members that segments would have by their definitions now, beside those at the release; by Spark.

        Args:
            names: of segments of the project; none for all.

        Raises:
            ConfigError: the project does not have one of them.
            StateError: nothing was published yet.
        """
        return self._segments.sizes(names)

    def explain_segment(self, name: str, reference: str) -> tuple[Explanation, ...]:
        """Say why somebody is or is not in a segment; several answers where people share an e-mail or phone; by Spark.

        Args:
            name: of a segment of the project.
            reference: a unified id, a record such as `crm:K2001`, an e-mail address or a phone.

        Raises:
            ConfigError: the project does not have the segment.
            DataError: nobody has the reference.
            StateError: nothing was published yet.
        """
        return self._segments.explain(name, reference)

    def run(
        self, as_of: datetime | str | None = None, *, force: bool = False, full: bool = False, report: bool = True
    ) -> RunSummary:
        """Run the nightly job: all stages, publish, export, report; continue a run that was killed.

        Args:
            as_of: run as of this time; ISO 8601, UTC if it has no offset; None is now.
            force: accept what a guard would refuse: far fewer rows than last time, a clock far ahead.
            full: work on all records, not only on changed ones.
            report: write the HTML report.

        Raises:
            ReleaseRefusedError: a gate is closed; the last release stays.
            CdpError: what a stage raises.
        """
        from cdp_spark.runs.plan import RunOptions  # noqa: PLC0415 - imports every stage: two seconds
        from cdp_spark.runs.runner import nightly  # noqa: PLC0415

        clock = _time("as_of", as_of) if as_of is not None else None
        return nightly(self._store, self.project, RunOptions(as_of=clock, force=force, full=full, report=report))

    @cached_property
    def _store(self) -> Store:
        """The warehouse; joins or starts Spark."""
        settings = self.project.settings
        return open_store(get_project_session(settings, app_name=f"cdp-spark {settings.name}"), self.project)

    @property
    def _small(self) -> Store:
        """The warehouse for small reads; without Spark where that can be."""
        return open_folder(self.project) or self._store

    @property
    def _segments(self) -> AskedSegments:
        small = open_folder(self.project)
        through_spark = None if small is None else lambda: self._store
        return AskedSegments(ReleasedWarehouse(small or self._store, self.release, through_spark), self.project)

    def _number_at(self, time: datetime | str) -> int:
        moment = _time("at", time)
        runs = self._small.fetch(RUNS, (c.RUN_ID, c.AS_OF)).to_pylist()
        clocks = {row[c.RUN_ID]: row[c.AS_OF] for row in runs}
        found = [it for it in self.releases() if it.is_published and clocks[it.run_id] <= moment]
        if not found:
            got = "no release whose run is as early, or an erasure expired it"
            raise StateError(f"at {moment.isoformat()}", got=got, fix="choose a later time; `releases()` lists them")
        return found[0].number

    def _version(self, spec: TableSpec) -> int | None:
        """The version to read: the release's of a gold table, else None for the newest.

        Raises:
            StateError: an older release is to be read, and releases do not keep this table's version.
        """
        if spec.kind is TableKind.GOLD:
            return self.release.versions.get(spec.name)
        if self.chosen is not None:
            gold = ", ".join(name for name, it in TABLES.items() if it.kind is TableKind.GOLD)
            fix = "read it as it is now, from the project that `cdp_spark.open` returned"
            got = f"table {spec.name}, which is not published"
            raise StateError(f"release {self.chosen}", got=got, allowed=gold, fix=fix)
        return None

    def _read(self, spec: TableSpec, as_: Form, columns: Sequence[str] | None, *, only: Only) -> Any:  # noqa: ANN401
        _known("form", as_, get_args(Form))
        if as_ == "spark":
            rows = self._frame(spec)
            for name, values in only.items():
                rows = rows_with(rows, name, values)
            return rows.select(*columns) if columns else rows
        table = self._fetch(spec, columns, only=only)
        return table.to_pandas() if as_ == "pandas" else table

    def _frame(self, spec: TableSpec) -> DataFrame:
        version = self._version(spec)
        if spec.kind is TableKind.GOLD and version is None:
            return self._store.spark.createDataFrame([], spec.schema)
        return self._store.read(spec, version=version)

    def _fetch(self, spec: TableSpec, columns: Sequence[str] | None, *, only: Only) -> pa.Table:
        """Rows in Arrow memory: by delta-rs where it can read this version of the table, else by Spark."""
        version = self._version(spec)
        if spec.kind is TableKind.GOLD and version is None:
            return spec.fetched_schema(columns or spec.schema.names).empty_table()
        small = self._small
        reader = reader_of(spec, version, small, lambda: self._store)
        try:
            return reader.fetch(spec, columns, only=only, version=version)
        except StateError as error:
            if self.chosen is None or version is None or small.is_readable(spec, version):
                raise
            got = f"table {spec.name}, files of which VACUUM has deleted"
            raise StateError(f"release {self.chosen}", got=got, fix="choose a newer release") from error

    def _segment_in_spark(self, name: str) -> DataFrame:
        spans = self._frame(SEGMENT_MEMBERS)
        self._check_segment(name, (row[0] for row in spans.select(c.SEGMENT).distinct().collect()))
        now = spans.where((F.col(c.SEGMENT) == name) & F.col(c.EXITED_AT).isNull())
        return self._frame(PROFILES).join(now.select(c.UNIFIED_ID), on=c.UNIFIED_ID, how="left_semi")

    def _check_segment(self, name: str, published: Iterable[str]) -> None:
        _known("segment", name, {*published, *(it.name for it in self.project.segments)})


def _known(kind: str, name: str, known: Iterable[str]) -> str:
    """Return a name that is known.

    Raises:
        ConfigError: it is not; names the nearest that is.
    """
    names = list(known)
    if name not in names:
        raise ConfigError(kind, got=repr(name), allowed=", ".join(sorted(names)), fix=choose_one(name, names))
    return name


def _time(option: str, time: datetime | str) -> datetime:
    moment = parse_time(option, time if isinstance(time, str) else time.isoformat())
    assert moment is not None, "only None has no time"
    return moment
