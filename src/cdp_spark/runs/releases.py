"""Releases: which versions of the gold tables are visible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cdp_spark import columns as c
from cdp_spark.errors import StateError
from cdp_spark.tables.catalog import RELEASES
from cdp_spark.tables.manifest.manifest import damaged_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pyspark.sql import DataFrame

    from cdp_spark.tables.spec import TableSpec
    from cdp_spark.tables.store import Store

PUBLISHED, EXPIRED = "published", "expired"


@dataclass(frozen=True)
class Release:
    """A published set of table versions.

    Args:
        number: the ordinal of the run that published it.
        run_id: of that run.
        published_at: UTC.
        versions: the Delta version of each gold table.
        status: published, or expired once an erasure came after it.
        restored: of a rollback, the number of the release whose tables it shows again.
        reason: of a rollback, or of an erasure.
    """

    number: int
    run_id: str
    published_at: datetime
    versions: Mapping[str, int]
    status: str = PUBLISHED
    restored: int | None = None
    reason: str = ""

    @property
    def content(self) -> int:
        """The number of the release that published these tables first."""
        return self.number if self.restored is None else self.restored

    @property
    def is_published(self) -> bool:
        """False once an erasure expired it."""
        return self.status == PUBLISHED

    def check_published(self) -> None:
        """Refuse an expired release.

        Raises:
            StateError: an erasure came after it.
        """
        if not self.is_published:
            got = "a release that an erasure expired"
            raise StateError(f"release {self.number}", got=got, fix="choose a newer one: `cdp releases` lists them")

    def read(self, store: Store, spec: TableSpec) -> DataFrame:
        """A gold table as this release shows it; no rows where the release does not name it."""
        if spec.name not in self.versions:
            return store.spark.createDataFrame([], spec.schema)
        return store.read(spec, version=self.versions[spec.name])


def read_releases(store: Store) -> list[Release]:
    """All releases, newest first.

    Raises:
        StateError: the last one that was published is not among them.
    """
    published = store.guard.read().release
    rows = store.fetch(RELEASES).sort_by([(c.RELEASE, "descending")])
    releases = [_release(row) for row in rows.to_pylist()]
    if published is not None and published not in {it.number for it in releases}:
        raise damaged_table(RELEASES.name, f"no release {published}, although it was published")
    return releases


def latest_release(store: Store, *, before: int | None = None) -> Release | None:
    """The newest published release, or the newest of a lower number than `before`."""
    usable = [it for it in read_releases(store) if it.is_published and (before is None or it.number < before)]
    return usable[0] if usable else None


def current_release(store: Store) -> Release:
    """The release that readers see.

    Raises:
        StateError: nothing was published yet.
    """
    release = latest_release(store)
    if release is None:
        fix = "run `cdp run nightly` first; `cdp runs` says why an earlier run published nothing"
        raise StateError(f"warehouse {store.shown}", got="no release yet", fix=fix)
    return release


def find_release(store: Store, number: int) -> Release:
    """The release of a number.

    Raises:
        StateError: it was never published, or an erasure expired it.
    """
    found = release_of(number, read_releases(store))
    found.check_published()
    return found


def release_of(number: int, releases: list[Release]) -> Release:
    """The release of a number among these.

    Raises:
        StateError: it was never published.
    """
    found = next((it for it in releases if it.number == number), None)
    if found is None:
        numbers = ", ".join(str(it.number) for it in releases) or "none yet"
        raise StateError(f"release {number}", got="no such release", allowed=numbers, fix="`cdp releases` lists them")
    return found


def append_release(store: Store, release: Release) -> int:
    """Publish: one row, once per run; returns the Delta version of `releases`."""
    rows = RELEASES.table([_row(release)])
    version = store.append(RELEASES, rows, application=f"{release.run_id}:{RELEASES.name}")
    store.guard.note_release(release.number)
    return version


def write_releases(store: Store, releases: Sequence[Release]) -> int:
    """Write all releases anew, in one commit; returns the Delta version of `releases`."""
    version = store.overwrite(RELEASES, RELEASES.table([_row(release) for release in releases]))
    store.guard.note_release(max(release.number for release in releases))
    return version


def _row(release: Release) -> tuple[Any, ...]:
    return (
        release.number,
        release.run_id,
        release.published_at,
        release.status,
        dict(release.versions),
        release.restored,
        release.reason or None,
    )


def _release(row: Mapping[str, Any]) -> Release:
    return Release(
        number=row[c.RELEASE],
        run_id=row[c.RUN_ID],
        published_at=row[c.PUBLISHED_AT],
        versions=dict(row[c.VERSIONS]),
        status=row[c.STATUS],
        restored=row[c.RESTORED_RELEASE],
        reason=row[c.REASON] or "",
    )
