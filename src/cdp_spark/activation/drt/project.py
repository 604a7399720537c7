"""The project that drt runs: rows to be sent, a sync for each destination, and what the results are read by.

drt_project.yml, .drt/profiles.yml   DuckDB in memory, which reads the rows
syncs/NAME.yml, syncs/NAME_left.yml  where they go; the second is for those who left
rows/NAME.parquet                    the rows: unified_id, idempotency_key, action, attempt, and what is sent
cdp.json                             release, run and destinations
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from cdp_spark import columns as c
from cdp_spark.activation.destinations.interface import json_value
from cdp_spark.config.base import hide_secrets
from cdp_spark.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from cdp_spark.activation.destinations.interface import Row
    from cdp_spark.config.destination import DrtDestination

PROFILE = "cdp"
_MARK = "cdp.json"
_PROFILES = {PROFILE: {"type": "duckdb", "database": ":memory:"}}
_OWN = (c.UNIFIED_ID, c.IDEMPOTENCY_KEY, c.ACTION, c.ATTEMPT)
"""Columns of a file of rows that say what each row is; `values.NAME` are those that are sent."""
_VALUE = "values."


@dataclass(frozen=True)
class HandedRow:
    """A row that drt is to send.

    Args:
        row: what is sent, and its key.
        attempt: the number of this attempt.
    """

    row: Row
    attempt: int


@dataclass(frozen=True)
class Mark:
    """What an exported project is of.

    Args:
        release: that was exported.
        run_id: of the export.
        destinations: whose rows are in it.
    """

    release: int
    run_id: str
    destinations: tuple[str, ...]


def write_project(
    folder: Path, mark: Mark, destinations: Mapping[str, DrtDestination], rows: Mapping[str, Sequence[HandedRow]]
) -> None:
    """Write the project, in the place of an earlier one.

    Args:
        folder: new, empty, or with an exported project, whose rows and results are removed.
        mark: what it is of.
        destinations: by name.
        rows: of each destination.

    Raises:
        ConfigError: the folder holds something else.
    """
    _clear(folder)
    for place in (folder, folder / "syncs", folder / "rows", folder / ".drt"):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_yaml(folder / "drt_project.yml", {"name": "cdp", "version": "0.1", "profile": PROFILE})
    _write_yaml(folder / ".drt" / "profiles.yml", _PROFILES)
    for name, destination in destinations.items():
        for sync in syncs_of(destination):
            _write_yaml(folder / "syncs" / f"{sync['name']}.yml", sync)
        pq.write_table(_rows_table(destination, rows[name]), folder / "rows" / f"{name}.parquet")
    _write_json(folder / _MARK, {**vars(mark), "destinations": list(mark.destinations)})


def read_mark(folder: Path) -> Mark:
    """Read what an exported project is of.

    Raises:
        DataError: there is none.
    """
    try:
        found = json.loads((folder / _MARK).read_text(encoding="utf-8"))
        return Mark(found["release"], found["run_id"], tuple(found["destinations"]))
    except (OSError, ValueError, KeyError) as error:
        raise DataError(str(folder), got="no project of `cdp activation export`") from error


def read_rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """Read the rows of a destination: `unified_id`, `idempotency_key`, `action`, `attempt`, and `values` as sent."""
    rows = pq.read_table(folder / "rows" / f"{name}.parquet").to_pylist(maps_as_pydicts="strict")
    return [
        {
            **{key: row[key] for key in _OWN},
            "values": {key.removeprefix(_VALUE): it for key, it in row.items() if key.startswith(_VALUE)},
        }
        for row in rows
    ]


def syncs_of(destination: DrtDestination) -> list[dict[str, Any]]:
    """The syncs of a destination, as drt's YAML has them."""
    sync = {
        **destination.sync,
        "mode": "full",
        "on_error": "skip",  # the other rows are sent all the same
        "dlq": {"enabled": True, "max_records": 0},  # names the rows that were refused
    }
    to, left = hide_secrets(destination.to), hide_secrets(destination.left)
    found = [{"name": destination.name, "model": _query(destination, left=False), "destination": to, "sync": sync}]
    if left is not None:
        kept = {key: value for key, value in sync.items() if key != "field_mappings"}
        name = left_name(destination.name)
        found.append({"name": name, "model": _query(destination, left=True), "destination": left, "sync": kept})
    return found


def left_name(destination: str) -> str:
    """The name of the sync of those who left."""
    return f"{destination}_left"


def _query(destination: DrtDestination, *, left: bool) -> str:
    names = [c.UNIFIED_ID] if left else [it.written for it in destination.sent_columns]
    own = {name: name if name == c.UNIFIED_ID else f"{_VALUE}{name}" for name in names}
    selected = ", ".join(f'"{source}" AS "{name}"' for name, source in own.items())
    sign = "=" if left else "<>"
    return (
        f"SELECT {selected} FROM read_parquet('rows/{destination.name}.parquet') "
        f"WHERE {c.ACTION} {sign} 'remove' ORDER BY {c.UNIFIED_ID}"
    )


def _rows_table(destination: DrtDestination, rows: Sequence[HandedRow]) -> pa.Table:
    names = [it.written for it in destination.sent_columns if it.written != c.UNIFIED_ID]
    facts = {
        c.UNIFIED_ID: pa.array([it.row.unified_id for it in rows], pa.string()),
        c.IDEMPOTENCY_KEY: pa.array([it.row.key for it in rows], pa.string()),
        c.ACTION: pa.array([it.row.action for it in rows], pa.string()),
        c.ATTEMPT: pa.array([it.attempt for it in rows], pa.int64()),
    }
    values = {f"{_VALUE}{name}": _values([it.row.values.get(name) for it in rows]) for name in names}
    return pa.table(facts | values)


def _values(values: Sequence[object]) -> pa.Array:
    """Values as JSON holds them, so that they come back from drt as they went; maps are text."""
    plain = [json_value(value) for value in values]
    texts = [json.dumps(it, sort_keys=True) if isinstance(it, dict) else it for it in plain]
    found = pa.array(texts)
    if pa.types.is_list(found.type) and pa.types.is_null(found.type.value_type):
        return found.cast(pa.list_(pa.string()))
    return found.cast(pa.string()) if pa.types.is_null(found.type) else found


def _clear(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _MARK).is_file():
        raise ConfigError(
            f"--to {folder}",
            got="a folder that holds something else",
            allowed="a new or empty folder, or one of an earlier export",
        )
    for part in ("syncs", "rows", "target", ".drt/dlq"):
        shutil.rmtree(folder / part, ignore_errors=True)


def _write_yaml(path: Path, content: object) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
