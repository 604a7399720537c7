"""Several files or tables as one set of records.

1. Each row gets a record key from its source and id (`keys`).
2. The lines of one record, such as an order's, become one row; ids that stand twice otherwise are refused.
3. Columns are recognised by their names and by the values of a sample.
4. What can be compared is cleaned by what it was taken for.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.errors import DataError
from cdp_spark.resolution.learning.sample import take_sample
from cdp_spark.standalone.cleaning import clean_texts, compared_columns
from cdp_spark.standalone.discovery.recognise import Recognised, recognise
from cdp_spark.standalone.keys import (
    KEYS,
    compared_ids,
    find_ids,
    key_rows,
    merge_lines,
    refuse_duplicates,
    require_columns,
    safe_name,
    tell_ids,
)
from cdp_spark.standalone.usage import prove_features

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdp_spark.normalise.dates import DateOrder
    from cdp_spark.standalone.keys import Texts

SAMPLE_ROWS = 20_000


@dataclass(frozen=True)
class Described:
    """What is known of the records before they are matched.

    Args:
        recognised: what each column was taken for, by source.
        features: the columns that can be compared, under the names that the records give them.
        record_count: how many records there are.
        rejected: rows that could not be used, by source and reason.
        sources: how many sources the records name.
        notes: how each input was read and what its cells have lost, in words for whoever gave it.
    """

    recognised: dict[str, tuple[Recognised, ...]]
    features: tuple[Recognised, ...]
    record_count: int
    rejected: dict[str, int]
    sources: int
    notes: tuple[str, ...] = ()


def describe(
    inputs: Sequence[Texts],
    *,
    id_column: str | None,
    source_column: str | None,
    region: str | None,
    date_order: DateOrder | None = None,
) -> tuple[pa.Table, Described]:
    """Key, recognise and clean rows that nobody has described.

    Args:
        inputs: each is a source.
        id_column: identifies a row within its source, or several that do, divided by commas; None numbers the rows.
        source_column: names the source of each row, instead of its input.
        region: ISO country of phones that name none; None leaves national numbers as digits.
        date_order: order of day and month in dates such as 3/4/1980; None to tell it by each column's values.
    Returns: one row per record: record_key, record_id, source and the features; and what is known of them.

    Raises:
        ConfigError: a column is unknown.
        DataError: nothing is there, or an id stands twice in a source.
    """
    keyed: dict[str, pa.Table] = {}
    rejected: dict[str, int] = {}
    notes: list[str] = []
    skip = set(KEYS) | ({safe_name(source_column)} if source_column else set())
    for given in inputs:
        ids = find_ids(given.rows.column_names, given.where, id_column)
        require_columns(given.rows.column_names, given.where, source_column)
        keyed[given.name], left_out = key_rows(given, ids, source_column)
        _refuse_nothing(given, keyed[given.name], left_out)
        rejected |= {f"{given.name}: {reason}": n for reason, n in sorted((Counter(given.rejected) + left_out).items())}
        notes += [f"{given.name}: {note}" for note in (*given.notes, *tell_ids(given.rows, ids))]
        skip |= set(map(safe_name, ids)) - compared_ids(ids)
    where = {given.name: given.where for given in inputs}
    recognise_rows = partial(_recognise_sample, where=where, skip=frozenset(skip), date_order=date_order)
    recognised = recognise_rows(keyed)
    before = sum(rows.num_rows for rows in keyed.values())
    for name, rows in keyed.items():
        keyed[name], merged = merge_lines(rows, recognised[name], where[name])
        notes += [f"{name}: {note}" for note in merged]
    refuse_duplicates(keyed.values(), str(id_column))
    if sum(rows.num_rows for rows in keyed.values()) < before:
        recognised = recognise_rows(keyed)
    features = compared_columns(recognised)
    cleaned = [clean_source(rows, recognised[name], features, region=region) for name, rows in keyed.items()]
    records = pa.concat_tables(cleaned)
    recognised, features = prove_features(take_sample(records, most=SAMPLE_ROWS), recognised, features)
    sources = len(pc.unique(records[c.SOURCE]))
    return records, Described(recognised, features, records.num_rows, rejected, sources, tuple(notes))


def _refuse_nothing(given: Texts, keyed: pa.Table, left_out: Counter[str]) -> None:
    """Refuse a file of which no row is left, and say why.

    Raises:
        DataError: there is none.
    """
    if keyed.num_rows:
        return
    reasons = Counter(given.rejected) + left_out
    if not reasons:
        fix = "check that the export holds rows; where the first row is a record, put the columns' names above it"
        raise DataError(given.where, got="a header and no row below it", allowed="a header and rows", fix=fix)
    counted = ", ".join(f"{reason} {count:,}" for reason, count in sorted(reasons.items()))
    fix = "look at the first lines in a text editor; --encoding, --delimiter and --skip-lines say how they are written"
    raise DataError(given.where, got=f"no row that can be read ({counted})", allowed="a header and rows", fix=fix)


def _recognise_sample(
    keyed: Mapping[str, pa.Table], *, where: Mapping[str, str], skip: frozenset[str], date_order: DateOrder | None
) -> dict[str, tuple[Recognised, ...]]:
    samples = {name: take_sample(rows, most=SAMPLE_ROWS) for name, rows in keyed.items()}
    return recognise_sources(samples, where, skip=skip, date_order=date_order)


def recognise_sources(
    samples: Mapping[str, pa.Table],
    where: Mapping[str, str],
    *,
    skip: frozenset[str],
    date_order: DateOrder | None = None,
) -> dict[str, tuple[Recognised, ...]]:
    """Decide what each source's columns mean; a name that several sources have means the same in all of them.

    Raises:
        DataError: a source has no row.
    """
    for name, sample in samples.items():
        if sample.num_rows == 0:
            raise DataError(
                where[name], got="no usable row", allowed="rows below the header, with an id", fix="check the file"
            )
    beside = {name: [other for of, other in samples.items() if of != name] for name in samples}
    return {
        name: recognise(sample, skip=skip, beside=beside[name], date_order=date_order)
        for name, sample in samples.items()
    }


def clean_source(
    rows: pa.Table, recognised: Sequence[Recognised], features: Sequence[Recognised], *, region: str | None
) -> pa.Table:
    """Keep a source's keys and what can be compared, cleaned.

    Args:
        rows: from `key_rows`.
        recognised: what the source's columns were taken for.
        features: of all sources.
        region: as in `describe`.
    """
    wanted = [item.column for item in features]
    return pa.table({name: rows[name] for name in KEYS} | clean_texts(rows, recognised, wanted, region=region))
