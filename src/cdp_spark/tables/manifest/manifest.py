"""The manifest: which tables were written, up to which version, the last release, the key of the suppression list.

A table that the manifest names and that is not there, or is older than the manifest says, was lost: reading it as empty
would bring erased people back, or forget who withdrew a consent.

The order of writing keeps a killed process harmless. A manifest is written before a warehouse's first table, a table
before its name, its name before its first row, and a version after it was committed. So tables without a manifest were
never left by a kill, an unnamed table has no rows, and the manifest never names more than there is.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from cdp_spark.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PLACE = "_cdp/manifest.json"
"""The manifest's file below the warehouse's folder."""
REBUILD = "cdp manifest rebuild"


@dataclass(frozen=True)
class Manifest:
    """What a warehouse holds at least.

    Args:
        tables: name to Delta version.
        release: number of the last release; None before the first.
        suppression_key: id and check value of the suppression list's key; None while nobody is listed.
        logs: name to the first commit of the log that was there, and the size of all up to the version, in bytes. A
            commit that was cut at the end of a line still reads as one, which did less.
    """

    tables: Mapping[str, int] = field(default_factory=dict)
    release: int | None = None
    suppression_key: str | None = None
    logs: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def with_table(self, name: str, version: int, log: tuple[int, int] | None = None) -> Manifest:
        """Return a manifest that demands this version of a table, or a newer one that it demands already.

        Args:
            name: of the table.
            version: that was written.
            log: first commit and size of the log up to the version; None where it is not known.
        """
        if self.tables.get(name, -1) >= version:
            return self
        logs = {it: size for it, size in self.logs.items() if it != name} | ({name: log} if log else {})
        return replace(self, tables={**self.tables, name: version}, logs=logs)

    def with_release(self, number: int) -> Manifest:
        """Return a manifest that demands this release."""
        return replace(self, release=max(number, self.release or number))

    def to_json(self) -> str:
        """Return the manifest as a text."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str, *, warehouse: str) -> Manifest:
        """Read a manifest.

        Raises:
            StateError: the text is none.
        """
        try:
            facts = json.loads(text)
            tables = {str(name): int(version) for name, version in facts["tables"].items()}
            logs = {str(name): (int(first), int(size)) for name, (first, size) in facts["logs"].items()}
            release, key = facts["release"], facts["suppression_key"]
            return cls(tables, None if release is None else int(release), None if key is None else str(key), logs)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StateError(f"warehouse {warehouse}", got="a damaged manifest", fix=_FIX) from error


_FIX = f"restore {PLACE} from a backup, or run `{REBUILD}`, which tells what is there and what is missing"


def lost_manifest(warehouse: str, tables: Iterable[str]) -> StateError:
    """A warehouse has tables and no manifest."""
    got = f"tables ({', '.join(sorted(tables))}) and no manifest"
    return StateError(f"warehouse {warehouse}", got=got, fix=_FIX)


def lost_table(name: str, place: str) -> StateError:
    """A table that was written is not there."""
    return StateError(f"table {name}", got=f"nothing at {place}, where it was written", fix=_restore(name))


def shortened_table(name: str, *, version: int, written: int) -> StateError:
    """A table ends before its last known version."""
    got = f"version {version} as the newest, although version {written} was written"
    return StateError(f"table {name}", got=got, fix=_restore(name))


def damaged_table(name: str, what: str) -> StateError:
    """A table's log or one of its files cannot be read.

    Args:
        name: of the table.
        what: in a few words; no row's values.
    """
    return StateError(f"table {name}", got=what, fix=_restore(name))


def _restore(name: str) -> str:
    return (
        "restore the table's folder from a backup; or go back to a version that is whole, by Delta's RESTORE or `cdp "
        f"rollback`; `{REBUILD} --without {name}` goes on without what is lost"
    )
