"""Write the demo data of a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdp_spark.demo.files.assignments import NAME, write_assignments
from cdp_spark.demo.files.delivery import MAX_NIGHTS, Batch, Source
from cdp_spark.demo.files.truth import record_truth, visitor_truth, write_truth
from cdp_spark.demo.files.writer import write_source
from cdp_spark.demo.rates import Rates
from cdp_spark.demo.sources import SOURCES
from cdp_spark.demo.world import World, build_world
from cdp_spark.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from cdp_spark.demo.words import Columns

_VISITORS = {"web_events": "cookie", "app_events": "device"}


@dataclass(frozen=True)
class DemoSummary:
    """What was written.

    Args:
        people: in the world; a few have their first record on a night that was not written.
        accounts: companies in the world.
        rows: good rows per source, repeated deliveries included.
        malformed: malformed lines per source.
        records: records of people and companies in the truth.
        visitors: cookies and devices in the truth.
        files: how many, the experiment's and the truth's two included.
    """

    people: int
    accounts: int
    rows: dict[str, int]
    malformed: dict[str, int]
    records: int
    visitors: int
    files: int


def generate(out: Path, *, people: int, seed: int, nights: int = 1) -> DemoSummary:
    """Write the sources of a made-up company, the arms of an experiment that it ran, and the truth about them.

    The same arguments write the same bytes; the first night's files do not depend on `nights`.

    Args:
        out: the folder to write; one folder a source, `assignments` and `truth` are made in it, and files of the same
            names replaced.
        people: how many; at least 100.
        seed: 0 or more.
        nights: deliveries, 1 to 7; the first has everything, each later one about 2% changed and new rows.
    Returns: counts of what was written.
    Raises: ConfigError: an argument is out of its range.
    """
    _check("people", people, 100, 50_000_000)
    _check("seed", seed, 0, 2**63 - 1)
    _check("nights", nights, 1, MAX_NIGHTS)
    world = build_world(people=people, seed=seed, rates=Rates())
    records, visitors = [], []
    rows, malformed, file_count = {}, {}, 3
    for source in SOURCES:
        batches = [batch for batch in source.deliver(world, nights) if len(batch.entity)]
        malformed[source.name] = write_source(world, source, batches, out)
        rows[source.name] = sum(len(batch.entity) for batch in batches)
        records += _records(world, source, batches)
        visitors += _visitors(world, source, batches)
        file_count += len(batches) + source.has_unclosed_quote
    write_assignments(world, out / "assignments" / f"{NAME}.csv")
    return DemoSummary(
        people=people,
        accounts=world.account_count,
        rows=rows,
        malformed=malformed,
        records=write_truth(out / "truth" / "records.csv", records),
        visitors=write_truth(out / "truth" / "visitors.csv", visitors),
        files=file_count,
    )


def _records(world: World, source: Source, batches: list[Batch]) -> list[Columns]:
    return [record_truth(world, source, batches)] if source.entity_type else []


def _visitors(world: World, source: Source, batches: list[Batch]) -> list[Columns]:
    kind = _VISITORS.get(source.name)
    return [visitor_truth(world, kind, batches)] if kind else []


def _check(option: str, value: int, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        raise ConfigError(
            f"demo-data: {option}",
            got=str(value),
            allowed=f"{lowest} to {highest}",
            fix=f"choose another value for {option}",
        )
