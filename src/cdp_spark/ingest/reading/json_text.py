"""JSON lines and documents as text by field: numbers in plain form, nested values as JSON.

A number with a fraction loses the zeros at its end (`10000000000.0` is `10000000000`), and nested objects are written
with their names in order, so that equal content is equal text. An object that names a field twice is refused, as is
what follows an object on its line. Where nested fields become columns (`flatten`), both are read, and `NaN` is null.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, NoReturn

import pyarrow as pa

from cdp_spark.errors import DataError
from cdp_spark.ingest.reading.batch import MAX_ROWS, ReadBatch, Refused, rejected_table
from cdp_spark.ingest.reading.delimited import BLOCK_BYTES, decode_blocks, whole_lines
from cdp_spark.ingest.reading.files import WHOLE, file_uri, read_blocks
from cdp_spark.ingest.reading.nested import flat, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from cdp_spark.ingest.reading.files import Span

BAD_ENCODING, MALFORMED_JSON = "bad_encoding", "malformed_json"
_MAX_CELLS = 5_000_000
"""Cells of a batch: rows whose fields all differ would make a table far wider than it is filled."""
_MAX_EXPONENT = 400
_BLANKS = re.compile(r"[\s,]*")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

_Object = dict[str, str | None]


def read_json_lines(file: Path, encoding: str, span: Span = WHOLE, *, flatten: bool = False) -> Iterator[ReadBatch]:
    """Read a file, or a span of it, of one object a line.

    Args:
        file: plain or packed.
        encoding: of its bytes.
        span: of the file.
        flatten: whether nested fields become columns.

    Raises:
        DataError: the file cannot be read.
    """
    texts = decode_blocks(read_blocks(file, BLOCK_BYTES, span), encoding)
    lines = (line for text, _ in whole_lines(texts, where=f"file {file}") for line in text.split("\n"))
    yield from read_objects(lines, file_uri(file), flatten=flatten)


def read_json_document(file: Path, encoding: str, *, flatten: bool = False) -> Iterator[ReadBatch]:
    """Read a file of objects, and of arrays of objects, over any number of lines.

    Args:
        file: plain or packed.
        encoding: of its bytes.
        flatten: whether nested fields become columns, and rows are looked for within the document, which is read whole.

    Raises:
        DataError: the file cannot be read, or is no JSON to its end.
    """
    texts = decode_blocks(read_blocks(file, BLOCK_BYTES), encoding)
    if flatten:
        yield from read_objects(["".join(texts)], file_uri(file), is_document=True, flatten=True)
    else:
        yield from read_document(texts, file_uri(file))


def read_objects(
    texts: Iterable[str], source_file: str, *, is_document: bool = False, flatten: bool = False
) -> Iterator[ReadBatch]:
    """Read objects, one a text, or in documents all that a text's array holds; empty texts are left out.

    Args:
        texts: of JSON.
        source_file: URI of the file.
        is_document: whether a text may hold several objects.
        flatten: whether nested fields become columns, and a document's rows are looked for within it.
    """
    filled = (text for text in texts if text and not text.isspace())
    if is_document or flatten:
        found = (it for text in filled for it in _objects(text, is_document=is_document, flatten=flatten))
        yield from _batches(found, source_file)
    else:
        yield from _batches(map(_object, filled), source_file)


def read_document(pieces: Iterable[str], source_file: str) -> Iterator[ReadBatch]:
    """Read the objects of a text, and of the arrays in it, without holding more than a piece and an object.

    Args:
        pieces: of the text.
        source_file: URI of the file.

    Raises:
        DataError: the text breaks off, or goes on with something that is no JSON.
    """
    yield from _batches(_items(pieces, source_file), source_file)


def begins_array(head: str) -> bool:
    """Tell whether a text begins with an array, so that it is no object a line."""
    return head.lstrip().startswith("[")


def _batches(found: Iterable[_Object | Refused], source_file: str) -> Iterator[ReadBatch]:
    rows: list[_Object] = []
    rejected: list[Refused] = []
    names: dict[str, None] = {}
    for it in found:
        if isinstance(it, Refused):
            rejected.append(it)
            continue
        rows.append(it)
        names.update(dict.fromkeys(it))
        if len(rows) == MAX_ROWS or len(rows) * len(names) > _MAX_CELLS:
            yield _batch(rows, names, rejected, source_file)
            rows, rejected, names = [], [], {}
    if rows or rejected:
        yield _batch(rows, names, rejected, source_file)


def _object(text: str) -> _Object | Refused:
    """Read a text that is one object."""
    if "\ufffd" in text:
        return Refused(text, BAD_ENCODING)
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return Refused(text, MALFORMED_JSON)
    if not isinstance(value, dict):
        return Refused(text, MALFORMED_JSON)
    return {name: it if it.__class__ is str or it is None else json_text(it) for name, it in value.items()}


def _objects(text: str, *, is_document: bool, flatten: bool) -> Iterator[_Object | Refused]:
    if not (is_document or flatten):
        yield _object(text)
        return
    is_foreign = "\ufffd" in text and not flatten
    objects = None if is_foreign else _parse(text, is_document=is_document, flatten=flatten)
    if objects is None:
        yield Refused(text, BAD_ENCODING if is_foreign else MALFORMED_JSON)
    else:
        yield from objects


def _items(pieces: Iterable[str], source_file: str) -> Iterator[_Object | Refused]:
    text, at, line, tried, is_in_array = "", 0, 1, 0, False
    for piece, is_last in _with_last(pieces):
        line += text.count("\n", 0, at)
        text, at = text[at:] + piece, 0
        if len(text) < 2 * tried and not is_last:  # what was cut off is not read again before it has doubled
            continue
        while (at := _after_blanks(text, at)) < len(text):
            if text[at] == ("]" if is_in_array else "["):
                is_in_array, at = not is_in_array, at + 1
                continue
            end = _end_of_value(text, at)
            if end is None or (end == len(text) and not is_last):
                break
            yield from _objects(text[at:end], is_document=False, flatten=False)
            at = end
        tried = len(text) - at
    if is_in_array or at < len(text):
        raise _broken(source_file, line + text.count("\n", 0, at))


def _with_last(pieces: Iterable[str]) -> Iterator[tuple[str, bool]]:
    for piece in pieces:
        yield piece, False
    yield "", True


def _end_of_value(text: str, at: int) -> int | None:
    """Return where a value ends; None where it does not end in the text, or is none."""
    try:
        return _EXTENT.raw_decode(text, at)[1]
    except (ValueError, RecursionError):
        return None


def _broken(source_file: str, line: int) -> DataError:
    return DataError(
        f"file {source_file}",
        got=f"JSON that breaks off, or cannot be read, in line {line:,}",
        fix="have it delivered again; for an object a line, each on a line of its own, set options.multiLine to false",
    )


def json_text(value: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    """Write a nested value as JSON text without spaces, names in order, numbers in plain form."""
    if value.__class__ is int:
        return str(value)
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json_text(name)}:{json_text(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    return plain_number(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def plain_number(number: Decimal) -> str:
    """Write a number without exponent and without zeros at the end of its fraction."""
    if abs(number.adjusted()) > _MAX_EXPONENT:
        return str(number)
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _parse(text: str, *, is_document: bool, flatten: bool) -> list[_Object] | None:
    """Return the objects of a text as texts by field; None where it is none, or holds something else too."""
    try:
        value = _decode_all(text) if is_document and flatten else (LENIENT if flatten else _DECODER).decode(text)
    except (ValueError, RecursionError):
        return None
    if is_document and flatten:
        value = rows_of(value)
    objects = value if is_document and isinstance(value, list) else [value]
    if not all(isinstance(it, dict) for it in objects):
        return None
    return [{name: _text(it) for name, it in (flat(row) if flatten else row).items()} for row in objects]


def _decode_all(text: str) -> Any:  # noqa: ANN401
    """Return the one value of a text, or the list of its several values."""
    values, at = [], _after_blanks(text, 0)
    while at < len(text):
        value, at = LENIENT.raw_decode(text, at)
        values.append(value)
        at = _after_blanks(text, at)
    return values[0] if len(values) == 1 else values


def _after_blanks(text: str, at: int) -> int:
    return _BLANKS.match(text, at).end()  # type: ignore[union-attr] # matches everywhere


def _text(value: Any) -> str | None:  # noqa: ANN401
    if isinstance(value, str) or value is None:
        return value
    return json_text(value)


def _fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a field twice")
    return fields


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER = json.JSONDecoder(object_pairs_hook=_fields, parse_float=Decimal, parse_constant=_refuse_constant)
_EXTENT = json.JSONDecoder()
LENIENT = json.JSONDecoder(parse_float=Decimal, parse_constant=lambda _: None)
"""Takes the last of equal names, and nothing for NaN."""


def _batch(rows: list[_Object], names: Iterable[str], rejected: list[Refused], source_file: str) -> ReadBatch:
    kind = pa.struct([(name, pa.string()) for name in names])
    try:
        structs = pa.array(rows, kind)
    except UnicodeEncodeError:
        structs = pa.array([_without_surrogates(row) for row in rows], kind)
    table = pa.Table.from_batches([pa.RecordBatch.from_struct_array(structs)])
    return ReadBatch(table, rejected_table(rejected), source_file)


def _without_surrogates(row: _Object) -> _Object:
    return {name: value and _LONE_SURROGATE.sub("\ufffd", value) for name, value in row.items()}
