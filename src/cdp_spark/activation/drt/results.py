"""What became of the rows that drt sent, from the files that it leaves in its project.

1. `target/drt/run_results.json` counts the rows of each sync: sent, failed, skipped.
2. `.drt/dlq/NAME.jsonl` holds the rows that were refused, as they were sent, with the reason. They are found again by
   their values, as drt keeps no key.
3. The other rows were taken where the counts add up. Where they do not, as with destinations that only say that some
   row failed, their fate is unknown and they are sent again.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cdp_spark import columns as c
from cdp_spark.activation.destinations.interface import Fate
from cdp_spark.activation.drt.project import left_name, read_rows
from cdp_spark.errors import DataError
from cdp_spark.normalise.hashing import canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_RESULTS = "target/drt/run_results.json"
_TOO_MANY_REQUESTS = 429
_FIRST_OF_SERVERS = 500
_MAX_WORDS = 200


@dataclass(frozen=True)
class SentRow:
    """A row that was exported, and what became of it.

    Args:
        unified_id: whose it is.
        key: of its intent.
        action: add, update or remove.
        attempt: its number.
        fate: what drt says of it; None where drt has not run its sync.
    """

    unified_id: str
    key: str
    action: str
    attempt: int
    fate: Fate | None


def read_results(folder: Path, name: str, *, renamed: Mapping[str, str], replaces: bool) -> list[SentRow]:
    """Read what became of the rows of a destination.

    Args:
        folder: of the project.
        name: of the destination.
        renamed: drt's `field_mappings`: column to the name that it is sent by.
        replaces: whether each run replaces all that the destination has.

    Raises:
        DataError: drt has not run, or only tried out.
    """
    results = _sync_results(folder)
    rows = read_rows(folder, name)
    there = [row for row in rows if row[c.ACTION] != "remove"]
    gone = [row for row in rows if row[c.ACTION] == "remove"]
    fates = _fates(folder, name, results, [_sent(row["values"], renamed) for row in there])
    of_gone = _fates(folder, left_name(name), results, [{c.UNIFIED_ID: row[c.UNIFIED_ID]} for row in gone])
    if replaces:
        is_replaced = all(it is not None and it.status == "acknowledged" for it in fates) and name in results
        of_gone = [Fate("acknowledged") if is_replaced else None] * len(gone)
    both = zip((*there, *gone), (*fates, *of_gone), strict=True)
    return [SentRow(row[c.UNIFIED_ID], row[c.IDEMPOTENCY_KEY], row[c.ACTION], row[c.ATTEMPT], it) for row, it in both]


def name_run(folder: Path) -> str:
    """The name of drt's run, which is another for each.

    Raises:
        DataError: drt has not run.
    """
    return str(_content(folder)["invocation"]["run_id"])


def _sync_results(folder: Path) -> dict[str, dict[str, Any]]:
    results = {it["name"]: it for it in _content(folder)["results"] if it.get("status") != "skipped"}
    if any(it.get("dry_run") for it in results.values()):
        raise DataError(f"{folder}/{_RESULTS}", got="a dry run", fix="run `drt run`, then read its results")
    return results


def _content(folder: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads((folder / _RESULTS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        fix = f"run `drt run` in {folder}, then read its results"
        raise DataError(f"{folder}/{_RESULTS}", got="no results", fix=fix) from error
    return content


def _sent(values: Mapping[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    return {renamed.get(name, name): value for name, value in values.items()}


def _fates(
    folder: Path, sync: str, results: Mapping[str, Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]
) -> list[Fate | None]:
    """The fates of the rows of a sync, in their order."""
    result = results.get(sync)
    if result is None:
        return [None] * len(rows)
    letters = [it for it in _dead_letters(folder, sync) if it.get("sync_run_id") == result.get("sync_run_id")]
    found = _match(rows, letters)
    failed, skipped = int(result.get("rows_failed") or 0), int(result.get("rows_skipped") or 0)
    is_told = len(found) == failed and not skipped and int(result.get("rows_synced") or 0) + failed == len(rows)
    others = Fate("acknowledged") if is_told else Fate("unknown", "drt does not say which rows were taken")
    return [found.get(number, others) for number in range(len(rows))]


def _dead_letters(folder: Path, sync: str) -> Iterator[dict[str, Any]]:
    path = folder / ".drt" / "dlq" / f"{sync}.jsonl"
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                yield json.loads(line)


def _match(rows: Sequence[Mapping[str, Any]], letters: Sequence[Mapping[str, Any]]) -> dict[int, Fate]:
    """Find the refused rows by their values; of rows that are alike either all were refused, or nobody knows which."""
    if not letters:
        return {}
    names = sorted(set(rows[0]) & set(letters[0]["record"])) if rows else []
    places: defaultdict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        places[_text(row, names)].append(number)
    counts = Counter(_text(it["record"], names) for it in letters)
    fates = {_text(it["record"], names): _fate(it) for it in letters}
    alike = {text: places[text] for text, count in counts.items() if len(places[text]) == count}
    return {number: fates[text] for text, numbers in alike.items() for number in numbers}


def _text(record: Mapping[str, Any], names: Sequence[str]) -> str:
    return canonical_json({name: record[name] for name in names if record.get(name) is not None})


def _fate(letter: Mapping[str, Any]) -> Fate:
    status, words = letter.get("http_status"), str(letter.get("error_message") or "")[:_MAX_WORDS]
    reason = f"HTTP {status}" if status else "refused"
    if status == _TOO_MANY_REQUESTS:
        return Fate("unsent", reason, words)
    if status is not None and status >= _FIRST_OF_SERVERS:
        return Fate("unknown", reason, words)
    return Fate("refused", reason, words)
