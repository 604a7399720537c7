"""Data made to exhaust: everybody has one name and phone, or each shares something with the next."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

pytestmark = pytest.mark.attack

_GIB = 2**30
_LIMIT = 8
"""GiB of address space that `cdp resolve` may have."""
_RESOLVE = "from cdp_spark.cli.main import main; main()"


def _write(path: Path, rows: Iterable[Sequence[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "first_name", "last_name", "email", "phone"])
        writer.writerows(rows)
    return path


def _resolve(path: Path, out: Path) -> list[dict[str, str]]:
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({_LIMIT * _GIB}, {_LIMIT * _GIB})); {_RESOLVE}"
    arguments = ["resolve", str(path), "--id", "id", "--region", "US", "--out", str(out), "--engine", "process"]
    done = subprocess.run([sys.executable, "-c", limited, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    with out.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_of_many_records_with_one_name_and_phone_nobody_is_merged_by_them(tmp_path: Path) -> None:
    masses = ([str(number), "John", "Smith", "", "+12025550100"] for number in range(200_000))
    people = (
        [str(number), f"Ann{number // 2}", f"Lee{number // 2}", f"a{number // 2}@x.example", f"+1202{number // 2:07}"]
        for number in range(200_000, 220_000)
    )
    sizes = _sizes(_resolve(_write(tmp_path / "people.csv", [*masses, *people]), tmp_path / "out.csv"))
    assert sizes == Counter({1: 200_000, 2: 10_000})


def test_a_chain_of_records_is_cut_where_nothing_else_joins_them(tmp_path: Path) -> None:
    rows = (
        [str(number), f"Ann{number}", f"Lee{number}", f"{(number + 1) // 2}@x.example", f"+1202{5550000 + number // 2}"]
        for number in range(50_000)
    )
    sizes = _sizes(_resolve(_write(tmp_path / "people.csv", rows), tmp_path / "out.csv"))
    assert sizes.keys() <= {1, 2}


def _sizes(found: list[dict[str, str]]) -> Counter[int]:
    """How many clusters there are of each size."""
    return Counter(Counter(row["cluster_id"] for row in found).values())
