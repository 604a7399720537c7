"""Word lists with frequencies, and seeded drawing from them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

Columns = dict[str, pa.Array]
Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Times = npt.NDArray[np.datetime64]


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """Make the random stream of one purpose, so that one part's draws never shift another's.

    Args:
        seed: the generation's seed.
        *names: what the stream is for, such as a source and a night.
    Returns: the same stream for the same arguments.
    """
    return np.random.default_rng([seed, crc32("/".join(map(str, names)).encode())])


@cache
def read_words(name: str) -> pa.Table:
    """Read one shipped list.

    Args:
        name: the file's name in `data/` without `.csv`.
    Returns: the file's rows; all columns text but `weight`.
    """
    path = files("cdp_spark.demo") / "data" / f"{name}.csv"
    header = path.read_text("utf-8").split("\n", 1)[0].split(",")
    types = {column: pa.float64() if column == "weight" else pa.string() for column in header}
    options = csv.ConvertOptions(column_types=types, strings_can_be_null=False)
    return csv.read_csv(pa.BufferReader(path.read_bytes()), convert_options=options).combine_chunks()


def words_of(name: str, **where: str) -> pa.Table:
    """Keep a list's rows whose columns have the given values.

    Args:
        name: the list.
        **where: column and wanted value.
    Returns: the rows that have all of them.
    """
    words = read_words(name)
    for column, wanted in where.items():
        words = words.filter(pc.equal(words[column], wanted))
    return words


def draw_rows(rng: np.random.Generator, words: pa.Table, size: int) -> pa.Table:
    """Draw whole rows of a list by weight.

    Args:
        rng: the random stream.
        words: a list with a column `weight`.
        size: how many rows to draw.
    Returns: `size` rows.
    """
    weights = words["weight"].to_numpy()
    return words.take(rng.choice(len(words), size, p=weights / weights.sum())).combine_chunks()


def draw(rng: np.random.Generator, name: str, size: int, *, column: str = "value", **where: str) -> pa.Array:
    """Draw words of one list by weight.

    Args:
        rng: the random stream.
        name: the list.
        size: how many words to draw.
        column: which of the list's columns to return.
        **where: column and wanted value.
    Returns: `size` words.
    """
    return flat(draw_rows(rng, words_of(name, **where), size)[column])


def draw_rows_for(rng: np.random.Generator, name: str, groups: Columns, **where: str) -> pa.Table:
    """Draw a list's row for each of our rows, from the part of the list that fits it.

    Args:
        rng: the random stream.
        name: the list.
        groups: the list's columns that must equal the row's values, such as country.
        **where: column and wanted value, the same for every row.
    Returns: one row of the list a row.
    """
    if not len(next(iter(groups.values()))):
        return read_words(name).slice(0, 0)
    labels = join(*groups.values(), separator="\t")
    parts, places = [], []
    for label in sorted(pc.unique(labels).to_pylist()):
        rows = np.flatnonzero(pc.equal(labels, label).to_numpy(zero_copy_only=False))
        fits = dict(zip(groups, label.split("\t"), strict=True))
        parts.append(draw_rows(rng, words_of(name, **where, **fits), len(rows)))
        places.append(rows)
    return pa.concat_tables(parts).take(np.argsort(np.concatenate(places), kind="stable")).combine_chunks()


def draw_for(rng: np.random.Generator, name: str, groups: Columns, *, column: str = "value", **where: str) -> pa.Array:
    """Draw a word for each row from the part of a list that fits the row.

    Args:
        rng: the random stream.
        name: the list.
        groups: the list's columns that must equal the row's values, such as country.
        column: which of the list's columns to return.
        **where: column and wanted value, the same for every row.
    Returns: one word a row.
    """
    return flat(draw_rows_for(rng, name, groups, **where)[column])


def flat(values: pa.ChunkedArray) -> pa.Array:
    """Join a table column's chunks.

    Args:
        values: a table's column.
    Returns: the same values as one array.
    """
    return pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)


def take(columns: Columns, rows: Indices | Mask) -> Columns:
    """Keep the rows at these positions, or where the mask is true.

    Args:
        columns: columns of one length.
        rows: positions or mask.
    Returns: the same columns, shorter, longer or reordered.
    """
    positions = np.flatnonzero(rows) if rows.dtype == bool else rows
    return {name: values.take(positions) for name, values in columns.items()}


def stack(parts: list[Columns]) -> Columns:
    """Put columns below one another.

    Args:
        parts: at least one; all with the same names.
    Returns: the names of the first part, in its order.
    """
    return {name: pa.concat_arrays([part[name] for part in parts]) for name in parts[0]}


def join(*parts: pa.Array | str, separator: str = "") -> pa.Array:
    """Concatenate texts row by row.

    Args:
        *parts: columns or constants; null makes the result null.
        separator: goes between the parts.
    Returns: one text a row.
    """
    return pc.binary_join_element_wise(*parts, separator)


def either(mask: Mask, yes: object, no: object) -> pa.Array:
    """Choose row by row.

    Args:
        mask: where `yes` is taken.
        yes: column or constant; None is null.
        no: column or constant.
    Returns: one value a row.
    """
    return pc.if_else(pa.array(mask), yes, no)


def blank(values: pa.Array, mask: Mask) -> pa.Array:
    """Make values null.

    Args:
        values: any column.
        mask: where the result is null.
    Returns: the column with nulls.
    """
    return either(mask, pa.scalar(None, values.type), values)


def is_set(values: pa.Array) -> Mask:
    """Say where a column is not null.

    Args:
        values: any column.
    Returns: a mask.
    """
    found: Mask = pc.is_valid(values).to_numpy(zero_copy_only=False)
    return found


def digits(numbers: Indices, width: int) -> pa.Array:
    """Write numbers with leading zeros.

    Args:
        numbers: not negative.
        width: digits, at least.
    Returns: one text a row.
    """
    return pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), width, "0")
