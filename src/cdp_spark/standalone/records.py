"""Several files or tables as one set of records.

1. Each row gets a record key from its source and id; a row without an id, or one that could not be read, is counted.
2. Ids that stand twice in a source are refused.
3. Columns are recognised by their names and by the values of a sample.
4. What can be compared is cleaned by what it was taken for.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.errors import ConfigError, DataError
from cdp_spark.normalise.hashing import record_key
from cdp_spark.resolution.learning.sample import take_sample
from cdp_spark.standalone.cleaning import clean_texts, compared_columns
from cdp_spark.standalone.discovery.recognise import Recognised, recognise
from cdp_spark.standalone.usage import prove_features

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cdp_spark.normalise.dates import DateOrder

RECORD_ID = "record_id"
KEYS = (c.RECORD_KEY, RECORD_ID, c.SOURCE)
SAMPLE_ROWS = 20_000
_WHOLE_WITH_POINT = r"^(-?\d+)\.0$"
"""How spreadsheets and data frames write whole numbers once one of them is missing."""


@dataclass(frozen=True)
class Texts:
    """The rows of one file or table.

    Args:
        name: of the source.
        where: how errors name it.
        rows: text columns.
        rejected: rows that could not be read, by reason.
    """

    name: str
    where: str
    rows: pa.Table
    rejected: Mapping[str, int]


@dataclass(frozen=True)
class Described:
    """What is known of the records before they are matched.

    Args:
        recognised: what each column was taken for, by source.
        features: the columns that can be compared, under the names that the records give them.
        record_count: how many records there are.
        rejected: rows that could not be used, by source and reason.
        sources: how many sources the records name.
    """

    recognised: dict[str, tuple[Recognised, ...]]
    features: tuple[Recognised, ...]
    record_count: int
    rejected: dict[str, int]
    sources: int


def describe(
    inputs: Sequence[Texts],
    *,
    id_column: str,
    source_column: str | None,
    region: str | None,
    date_order: DateOrder | None = None,
) -> tuple[pa.Table, Described]:
    """Key, recognise and clean rows that nobody has described.

    Args:
        inputs: each is a source.
        id_column: identifies a row within its source.
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
    for given in inputs:
        require_columns(given.rows.column_names, given.where, id_column, source_column)
        keyed[given.name], without_id = key_rows(given, id_column, source_column)
        reasons = Counter(given.rejected) + Counter({"null_key": without_id})
        rejected |= {f"{given.name}: {reason}": rows for reason, rows in sorted(reasons.items())}
    refuse_duplicates(keyed.values(), id_column)
    skip = frozenset({*KEYS, *map(safe_name, (id_column, *([source_column] if source_column else [])))})
    samples = {given.name: take_sample(keyed[given.name], most=SAMPLE_ROWS) for given in inputs}
    where = {given.name: given.where for given in inputs}
    recognised = recognise_sources(samples, where, skip=skip, date_order=date_order)
    features = compared_columns(recognised)
    cleaned = [clean_source(rows, recognised[name], features, region=region) for name, rows in keyed.items()]
    records = pa.concat_tables(cleaned)
    recognised, features = prove_features(take_sample(records, most=SAMPLE_ROWS), recognised, features)
    sources = len(pc.unique(records[c.SOURCE]))
    return records, Described(recognised, features, records.num_rows, rejected, sources)


def require_columns(names: Sequence[str], where: str, *wanted: str | None) -> None:
    """Refuse an input without a column that was named.

    Raises:
        ConfigError: a column is unknown.
    """
    for column in wanted:
        if column is not None and column not in names:
            raise ConfigError(where, got=f"no column {column}", allowed=", ".join(names), fix="name one of these")


def key_rows(given: Texts, id_column: str, source_column: str | None) -> tuple[pa.Table, int]:
    """Give each row its record key, id and source.

    Args:
        given: the rows of one input.
        id_column: identifies a row within its source.
        source_column: names the source of each row; where it says nothing, the input's name does.
    Returns: the rows with an id, their texts under safe names, of two that differ in capitals only the first; and how
        many rows have none.
    """
    rows = given.rows
    ids = _trimmed(rows[id_column])
    has_id = pc.is_valid(ids)
    rows, ids = rows.filter(has_id), ids.filter(has_id)
    origin = pa.array([given.name], pa.string()).take(pa.array([0] * len(ids), pa.int64()))
    if source_column is not None:
        origin = pc.coalesce(_trimmed(rows[source_column]), origin)
    keys = [record_key(*pair) for pair in zip(origin.to_pylist(), ids.to_pylist(), strict=True)]
    columns = {c.RECORD_KEY: pa.array(keys, pa.string()), RECORD_ID: ids, c.SOURCE: origin}
    for name, safe in safe_columns(rows.column_names).items():
        columns[safe] = pc.replace_substring_regex(rows[name], _WHOLE_WITH_POINT, r"\1")
    return pa.table(columns), int(pc.sum(pc.invert(has_id)).as_py() or 0)


def safe_columns(names: Sequence[str]) -> dict[str, str]:
    """Map the columns that are kept to safe names: of two that differ in capitals only the first, none of `KEYS`."""
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(safe_name(name).lower(), name)
    return {name: safe_name(name) for lower, name in first.items() if lower not in KEYS}


def safe_name(name: str) -> str:
    """Return a column's name without what Spark reads as a path: `Tel. Nr.` becomes `Tel_ Nr_`."""
    return re.sub(r"[.`]", "_", name)


def refuse_duplicates(keyed: Iterable[pa.Table], id_column: str) -> None:
    """Refuse ids that stand twice in a source.

    Raises:
        DataError: there are some.
    """
    keys = pa.chunked_array([chunk for table in keyed for chunk in table[c.RECORD_KEY].chunks], pa.string())
    if len(pc.unique(keys)) == len(keys):
        return
    counts = pc.value_counts(keys).field("counts")
    refuse_doubles(int(pc.sum(pc.greater(counts, 1)).as_py()), id_column)


def refuse_doubles(doubles: int, id_column: str) -> None:
    """Refuse ids that stand twice in a source, counted.

    Raises:
        DataError: there are some.
    """
    if doubles:
        raise DataError(
            f"column {id_column}",
            got=f"{doubles} ids that stand on more than one row of a source",
            allowed="an id that identifies a row",
            fix="name another column with --id",
        )


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


def _trimmed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    trimmed = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
