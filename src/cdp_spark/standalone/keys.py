"""What identifies a row of a file or table, and rows that share it.

1. `--id` names a column, or several divided by commas; without it rows are numbered from 1, the empty ones and a
   report's last lines aside.
2. Each row gets a record key from its source and id; a row without an id is left out and counted.
3. Rows of one id that agree on who it is are the lines of one record (an order's, say): they become one row, without
   the columns that speak of the line. Where they disagree the id is refused, as is one that a spreadsheet shortened.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.errors import ConfigError, DataError
from cdp_spark.normalise.hashing import record_key
from cdp_spark.standalone.cells import is_shortened, repair, tell_damage, without_nothing
from cdp_spark.standalone.discovery.column_names import meaning_of_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from cdp_spark.standalone.discovery.recognise import Recognised

RECORD_ID = "record_id"
KEYS = (c.RECORD_KEY, RECORD_ID, c.SOURCE)
_OF_A_PERSON = frozenset(
    {
        "given_name",
        "family_name",
        "full_name",
        "birth_date",
        "birth_year",
        "email",
        "phone",
        "street",
        "address",
        "postcode",
        "registration_number",
    }
)
"""Meanings of which one record has one value: rows that differ in them are not the lines of one record."""
_OTHER_IDS = "name several columns (--id 'order,line'), or leave --id out, and the rows are numbered"
_TOTAL = (
    r"(?i)^((grand|sub)[ -]?)?(totals?|totale|total general|summe|(zwischen|gesamt)summe|gesamt(ergebnis)?|insgesamt|"
    r"sum|suma|razem|totaal|somme|soma|celkem|итого|合計|总计|합계)\s*:?$"
)
"""What stands first in a row of totals."""
_FOOTER_ROWS = 12
"""Rows at the end of a file that may be a report's last lines."""


@dataclass(frozen=True)
class Texts:
    """The rows of one file or table.

    Args:
        name: of the source.
        where: how errors name it.
        rows: text columns.
        rejected: rows that could not be read, by reason.
        notes: how they were read, in words for whoever gave them.
    """

    name: str
    where: str
    rows: pa.Table
    rejected: Mapping[str, int]
    notes: tuple[str, ...] = ()


def find_ids(names: Sequence[str], where: str, wanted: str | None) -> tuple[str, ...]:
    """Return the columns that identify a row.

    Args:
        names: of all columns.
        where: names the input in errors.
        wanted: a column, in any case, or several divided by commas; None for none.

    Raises:
        ConfigError: a column is unknown.
    """
    if wanted is None:
        return ()
    whole = _find(names, wanted)
    found = [whole] if whole else [_find(names, part) for part in wanted.split(",")]
    if None in found and any("@" in name for name in names):
        fix = "put a line with the columns' names above it, or leave --id out, and the rows are numbered"
        raise ConfigError(where, got=f"no column {wanted}: the first line looks like a record, not names", fix=fix)
    if None in found:
        fix = "name one of these, or several divided by commas, or leave --id out, and the rows are numbered"
        raise ConfigError(where, got=f"no column {wanted}", allowed=", ".join(names), fix=fix)
    return tuple(name for name in found if name)


def require_columns(names: Sequence[str], where: str, *wanted: str | None) -> None:
    """Refuse an input without a column that was named.

    Raises:
        ConfigError: a column is unknown.
    """
    for column in wanted:
        if column is not None and column not in names:
            raise ConfigError(where, got=f"no column {column}", allowed=", ".join(names), fix="name one of these")


def compared_ids(ids: Sequence[str]) -> set[str]:
    """Return those of several id columns that say something else, too, such as an e-mail, under their safe names."""
    return {safe_name(name) for name in ids if meaning_of_name(name)} if len(ids) > 1 else set()


def key_rows(given: Texts, ids: Sequence[str], source_column: str | None) -> tuple[pa.Table, Counter[str]]:
    """Give each row its record key, id and source.

    Args:
        given: the rows of one input.
        ids: columns that identify a row within its source; none numbers the rows.
        source_column: names the source of each row; where it says nothing, the input's name does.
    Returns: the rows with an id, their texts under safe names, of two that differ in capitals only the first; and how
        many were left out, by reason.
    """
    rows = given.rows
    found = _joined_ids(rows, ids) if ids else _numbers(rows)
    left_out = Counter({"null_key" if ids else "no_record": found.null_count})
    if ids:
        is_footer = _is_footer(rows, found)
        left_out["no_record"] = int(pc.sum(is_footer).as_py() or 0)
        found = pc.if_else(is_footer, pa.scalar(None, pa.string()), found)
    has_id = pc.is_valid(found)
    rows, found = rows.filter(has_id), found.filter(has_id)
    origin = pa.array([given.name], pa.string()).take(pa.array([0] * len(found), pa.int64()))
    if source_column is not None:
        origin = pc.coalesce(_trimmed(rows[source_column]), origin)
    keys = [record_key(*pair) for pair in zip(origin.to_pylist(), found.to_pylist(), strict=True)]
    columns = {c.RECORD_KEY: pa.array(keys, pa.string()), RECORD_ID: found, c.SOURCE: origin}
    for name, safe in safe_columns(rows.column_names).items():
        columns[safe] = repair(rows[name])
    return pa.table(columns), +left_out


def safe_columns(names: Sequence[str]) -> dict[str, str]:
    """Map the columns that are kept to safe names: of two that differ in capitals only the first, none of `KEYS`."""
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(safe_name(name).lower(), name)
    return {name: safe_name(name) for lower, name in first.items() if lower not in KEYS}


def safe_name(name: str) -> str:
    """Return a column's name without what Spark reads as a path: `Tel. Nr.` becomes `Tel_ Nr_`."""
    return re.sub(r"[.`]", "_", name)


def tell_ids(rows: pa.Table, ids: Sequence[str]) -> Iterator[str]:
    """Say what the cells of rows have lost, and how they are identified where nobody named a column.

    Raises:
        DataError: several rows have one shortened number as their id.
    """
    yield from tell_damage(rows.select([name for name in rows.column_names if name not in ids]))
    if not ids:
        yield "no --id: record_id is the number of the row, from 1 below the header"
    elif len(ids) > 1:
        yield f"record_id is {' | '.join(ids)}"
    for name in ids if len(ids) == 1 else ():
        texts = _trimmed(rows[name])
        shortened = texts.filter(is_shortened(texts))
        if len(shortened) > len(pc.unique(shortened)):
            raise DataError(
                f"column {name}",
                got=f"{len(shortened):,} ids in scientific notation, as 7.21E+12, some of them on several rows: "
                "a spreadsheet has shortened different ids to the same text",
                fix="export it anew with that column formatted as text, name another column, or leave --id out",
            )
        if len(shortened):
            yield f"{len(shortened):,} ids of {name} are in scientific notation: a spreadsheet has shortened them"


def merge_lines(rows: pa.Table, recognised: Sequence[Recognised], where: str) -> tuple[pa.Table, tuple[str, ...]]:
    """Make one row of the lines of one record.

    Args:
        rows: from `key_rows`.
        recognised: what their columns were taken for.
        where: names the input in errors.
    Returns: one row a record key, in the order of the first ones, each column's first value; without the columns that
        differ within a record; and what was done, in words.

    Raises:
        DataError: rows of one id differ in what a record has once.
    """
    counts = pc.value_counts(rows[c.RECORD_KEY])
    several = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    if not len(several):
        return rows, ()
    lines = rows.filter(pc.is_in(rows[c.RECORD_KEY], value_set=several))
    differing = _differing(lines)
    of_person = [it.column for it in recognised if it.meaning in _OF_A_PERSON and it.column in differing]
    if of_person:
        raise DataError(
            where,
            got=f"{len(several):,} ids that stand on more than one row, and {', '.join(of_person[:5])} differ there",
            allowed="an id that identifies a row, or rows of one id that agree on who it is",
            fix=_OTHER_IDS,
        )
    names = [name for name in rows.column_names if name not in differing and name != c.RECORD_KEY]
    grouped = rows.group_by(c.RECORD_KEY, use_threads=False).aggregate([(name, "first") for name in names])
    merged = grouped.rename_columns([name.removesuffix("_first") for name in grouped.column_names])
    note = f"{lines.num_rows:,} rows are lines of {len(several):,} records, which have one id each"
    told = f"; what differs between the lines is not compared: {', '.join(sorted(differing))}" if differing else ""
    return merged, (note + told,)


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
            fix=_OTHER_IDS,
        )


def _find(names: Sequence[str], wanted: str) -> str | None:
    """Return the column of a name; where there is none, the only one that differs in case, blanks or points."""
    if wanted in names:
        return wanted
    alike = [name for name in names if _plain(name) == _plain(wanted)]
    return alike[0] if len(alike) == 1 else None


def _plain(name: str) -> str:
    return safe_name(name.strip().casefold())


def _joined_ids(rows: pa.Table, ids: Sequence[str]) -> pa.ChunkedArray:
    """Return each row's id, null where it has none; several columns' with a bar between them."""
    parts = [_trimmed(without_nothing(rows[name])) for name in ids]
    if len(parts) == 1:
        return parts[0]
    escaped = [pc.replace_substring_regex(part, r"([\\|])", r"\\\1") for part in parts]
    joined = pc.binary_join_element_wise(*(pc.fill_null(part, "") for part in escaped), "|")
    return pc.if_else(pc.equal(pc.utf8_ltrim(joined, "|"), ""), pa.scalar(None, pa.string()), joined)


def _numbers(rows: pa.Table) -> pa.ChunkedArray:
    """Number the rows; null for empty ones and for a report's lines below the last record."""
    filled = _filled(rows)
    is_record = filled > 0
    is_record[_end_of_records(rows, filled) :] = False
    numbers = pa.array(np.arange(1, len(filled) + 1)).cast(pa.string())
    return pa.chunked_array([pc.if_else(pa.array(is_record), numbers, pa.scalar(None, pa.string()))])


def _is_footer(rows: pa.Table, ids: pa.ChunkedArray) -> pa.Array:
    """Tell of each row whether it is one of a report's last lines: a sentence or `Total` where the id stands."""
    last = np.arange(rows.num_rows) >= _end_of_records(rows, _filled(rows))
    said = pc.or_(pc.match_substring_regex(ids, r"\S\s+\S"), pc.match_substring_regex(ids, _TOTAL))
    return pc.and_(pa.array(last), pc.fill_null(said, False))


def _filled(rows: pa.Table) -> NDArray[np.int64]:
    filled = np.zeros(rows.num_rows, dtype=np.int64)
    for name in rows.column_names:
        filled += np.asarray(pc.is_valid(_trimmed(rows[name])), dtype=np.int64)
    return filled


def _end_of_records(rows: pa.Table, filled: NDArray[np.int64]) -> int:
    """Return the place after the last row that has more than one cell, where rows mostly have, and is no total."""
    last, first = len(filled), max(len(filled) - _FOOTER_ROWS, 0)
    usual = np.median(filled[filled > 0]) if filled.any() else 0
    if usual <= 2:
        return last
    totals = _totals(rows.slice(first))
    while last > first and (filled[last - 1] <= 1 or (totals[last - 1 - first] and filled[last - 1] < 0.6 * usual)):
        last -= 1
    return last


def _totals(rows: pa.Table) -> list[bool]:
    """Tell of each row whether its first cell that is filled says that the others are totals."""
    cells = pc.coalesce(*(_trimmed(rows[name]) for name in rows.column_names))
    told: list[bool] = pc.fill_null(pc.match_substring_regex(cells, _TOTAL), False).to_pylist()
    return told


def _differing(lines: pa.Table) -> set[str]:
    """Name the columns that differ within a record, apart from case and blanks; nothing differs from no value."""
    names = [name for name in lines.column_names if name not in KEYS]
    plain = {name: pc.utf8_lower(_trimmed(lines[name])) for name in names}
    table = pa.table({c.RECORD_KEY: lines[c.RECORD_KEY], **plain})
    counted = table.group_by(c.RECORD_KEY).aggregate([(name, "count_distinct") for name in names])
    return {name for name in names if pc.max(counted[f"{name}_count_distinct"]).as_py() > 1}


def _trimmed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    trimmed = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
