r"""How a text file is written, found from its bytes: what `cdp resolve` has in place of a source's options.

1. Encoding: a mark decides; zero bytes at every other place are UTF-16; bytes that are sound UTF-8 are UTF-8 (bad ones
   among more good ones, too). Everything else is of East Asia, of another script or of Latin letters, by the share of
   its characters that are usual there: Windows' own encodings, and what spreadsheets call "CSV" on a Mac and under
   MS-DOS.
2. JSON where the text begins as an object or an array does: a document, or a line an object.
3. Delimiter: `sep=` names it; otherwise the one that gives most records the same number of cells, and many of them.
4. Quotes: apostrophes where most cells stand in them; a backslash escapes where it stands before a quote in a value.
5. Header: the first line that is about as full as the rows are; the lines before it are a title or notes.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from cdp_spark.ingest.reading.delimited import DELIMITERS, SEP_LINE, decode_text, split_lines
from cdp_spark.ingest.reading.dialect import Dialect, number_doubles
from cdp_spark.ingest.reading.files import read_blocks
from cdp_spark.ingest.reading.scanner import Scanner

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from cdp_spark.ingest.reading.batch import Format

_HEAD_BYTES = 1_000_000
_CHECKED_BYTES = 256_000_000
"""Bytes that are checked to be UTF-8; a file of more is for Spark."""
_RECORDS = 300
_HABIT = 0.05
"""Share of rows without their last cells from which that is how the file is written, and not a fault of these rows."""
_HEADER_WITHIN = 40
"""Records among which a header is looked for."""
_WIDE_MARKS = {b"\xff\xfe\x00\x00": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", "\x01": "control-A"}
_BEGINS_JSON = re.compile(r'\s*(\{\s*["}]|\[\s*[\[\]{])')
_ESCAPED_QUOTE = re.compile(r'[^\\",;\t|\n]\\"(?![,;\t|\n]|\Z)')
_IN_WORDS = re.compile(rb"(?<=[A-Za-z])[\x80-\xff]|[\x80-\xff](?=[A-Za-z])")
_RUNS = re.compile(rb"[\xa1-\xff]{3,}")
_WESTERN = frozenset("äöüÄÖÜßéèêëÉÈáàâãåæçíìîïñóòôõøúùûœÅÇÑØ’")
_CENTRAL = frozenset("ąćęłńóśźżĄĆĘŁŃÓŚŹŻáčďéěíňřšťúůýžÁČĎÉÍŘŠŤÚŽäöüÄÖÜßőűŐľĽ’")
_ASIAN = {
    "cp932": frozenset(
        "様方人年月日名前住所電話番号郵便市区町村丁目県都道府会社株式山田中村本川佐藤高橋鈴木小林加渡辺伊野上井口大松竹原島太郎一二三子美男女性生東京北海阪"
    )
    | {chr(code) for code in range(0x3041, 0x30FF)},
    "gb18030": frozenset(
        "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出分会可主发年同工公司姓名电话手机邮箱址省市区县路号街楼室性别男女日期客户备注王李张刘陈杨黄赵周吴徐孙马朱胡郭何林高罗小明华伟芳娜丽强军平东北京上海广州深"
    ),
    "euc_kr": frozenset(map(chr, range(0xAC00, 0xD7A4))),
    "big5": frozenset(
        "的一是在不了有和人這中大為上個國我以要他時來用們生到作地於出分會可主發年同工公司姓名電話手機郵箱址省市區縣路號街樓室性別男女日期客戶備註王李張劉陳楊黃趙周吳徐孫馬朱胡郭何林高羅小明華偉芳台北灣新竹"
    ),
}
"""Encodings of two bytes a character, and characters that names, addresses and headers are full of."""
_SCRIPTS = {"cp1251": "оеаинтсрвлкмя", "cp1253": "αοιετσνηυρπκμς", "cp1255": "יוהלארמתבשםןכס", "cp1256": "اليمونرتبةدع"}
"""Encodings of other alphabets, and their most frequent letters."""
_USUAL = 0.4
"""Share of usual characters from which a text is in an encoding of another script."""
_TITLES = {"utf-8": "UTF-8", "utf-16": "UTF-16", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32": "UTF-32"}
_TITLES |= {"cp1250": "Windows-1250", "cp1251": "Windows-1251", "cp1253": "Windows-1253", "cp1255": "Windows-1255"}
_TITLES |= {"cp1256": "Windows-1256", "cp932": "Shift-JIS", "gb18030": "GB18030", "euc_kr": "EUC-KR", "big5": "Big5"}
_TITLES |= {"cp1252": "Windows-1252", "mac_roman": "Mac Roman", "cp850": "MS-DOS (cp850)", "latin-1": "Latin-1"}


@dataclass(frozen=True)
class Written:
    """How a text file is written.

    Args:
        format: of the readers.
        options: of the reader.
        notes: what was found, in words for whoever gave the file.
    """

    format: Format
    options: dict[str, str]
    notes: tuple[str, ...]


def sniff(file: Path, given: Mapping[str, str]) -> Written:
    """Find out how a text file is written.

    Args:
        file: plain or packed; not empty.
        given: what is known already: `encoding`, `delimiter`, `skipLines`.

    Raises:
        DataError: the file cannot be read or unpacked.
        LookupError: the given encoding is unknown.
    """
    head = next(read_blocks(file, _HEAD_BYTES))
    encoding = given.get("encoding") or _find_encoding(file, head)
    text = decode_text(head, encoding)
    title = _TITLES.get(encoding, encoding)
    if _BEGINS_JSON.match(text) and "delimiter" not in given:
        is_document = _is_document(text)
        shape = "one JSON document" if is_document else "JSON, a line an object"
        options = {"encoding": encoding, "multiLine": str(is_document).lower(), "flatten": "true"}
        return Written("json", options, (f"{shape}, {title}",))
    return _sniff_delimited(text, encoding, title, given)


def _find_encoding(file: Path, head: bytes) -> str:
    marked = next((name for mark, name in _WIDE_MARKS.items() if head.startswith(mark)), None)
    if marked:
        return marked
    even, odd = head[::2], head[1::2]
    if odd.count(0) > 0.4 * len(odd) and even.count(0) < 0.05 * len(even):
        return "utf-16-le"
    if even.count(0) > 0.4 * len(even) and odd.count(0) < 0.05 * len(odd):
        return "utf-16-be"
    foreign = _foreign_block(file)
    return "utf-8" if foreign is None else _eight_bit(foreign)


def _foreign_block(file: Path) -> bytes | None:
    """Return the first block of a file that is not UTF-8; None where it is."""
    decoder, good, read = codecs.getincrementaldecoder("utf-8")(), 0, 0
    for block in read_blocks(file, 4 * _HEAD_BYTES):
        try:
            text = decoder.decode(block)
            good += 0 if block.isascii() else len(text) - len(text.encode("ascii", "ignore"))
        except UnicodeDecodeError:
            text = block.decode("utf-8", "replace")
            bad = text.count("\ufffd")
            sound = sum(character > "\x7f" for character in text) - bad + good
            return None if sound > bad else block
        read += len(block)
        if read > _CHECKED_BYTES:
            break
    return None


def _eight_bit(block: bytes) -> str:
    """Choose the encoding of a text that is not Unicode."""
    return _of_another_script(block) or _of_latin_letters(block)


def _of_another_script(block: bytes) -> str | None:
    """Choose the encoding that makes the most of a text usual characters of its script; None where none does."""
    sample = block[:200_000]
    sample = sample[: sample.rfind(b"\n") + 1] or sample  # no half of a character at its end
    shares = {name: _share_usual(sample, name, usual) for name, usual in _ASIAN.items()}
    words = b" ".join(_RUNS.findall(sample))
    if 2 * len(words) > sum(byte > 0x7F for byte in sample):
        shares |= {name: _share_usual(words, name, frozenset(letters)) for name, letters in _SCRIPTS.items()}
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] >= _USUAL else None


def _share_usual(data: bytes, encoding: str, usual: frozenset[str]) -> float:
    try:
        foreign = [character.lower() for character in data.decode(encoding) if character > "\x7f"]
    except UnicodeDecodeError:
        return 0.0
    return sum(character in usual for character in foreign) / max(len(foreign), 1)


def _of_latin_letters(block: bytes) -> str:
    """Choose the encoding that puts most letters of European languages into words."""
    foreign = b"".join(_IN_WORDS.findall(block))
    letters = {"cp1252": _WESTERN, "cp850" if b"\r\n" in block else "mac_roman": _WESTERN, "cp1250": _CENTRAL}
    usual = {name: sum(it in its for it in foreign.decode(name, "replace")) for name, its in letters.items()}
    best = max(usual, key=lambda name: usual[name])
    return "latin-1" if best == "cp1252" and "\ufffd" in block.decode(best, "replace") else best


def _is_document(text: str) -> bool:
    """Tell whether a text of JSON is one value, or several over many lines, rather than an object a line."""
    lines = [line for line in text.split("\n", 50) if line.strip()]
    if len(lines) < 2:
        return True
    try:
        return not all(isinstance(json.loads(line), dict) for line in lines[:2])
    except (ValueError, RecursionError):
        return True


class _Record(NamedTuple):
    """A record of a file's first lines."""

    start: int
    cells: list[str]

    @property
    def filled(self) -> int:
        return sum(bool(cell.strip()) for cell in self.cells)


def _sniff_delimited(text: str, encoding: str, title: str, given: Mapping[str, str]) -> Written:
    lines = split_lines(text)
    named = SEP_LINE.fullmatch(lines[0].strip("\n")) if lines else None
    skipped = int(given["skipLines"]) if "skipLines" in given else int(named is not None)
    delimiter = given.get("delimiter", "").replace("\\t", "\t") or (named[1] if named else "")
    dialect = _quoted(lines[skipped:], delimiter or _find_delimiter(lines[skipped:]), encoding)
    records = list(_scan(lines[skipped:], dialect))
    width = _usual_width(records)
    header = records[0] if "skipLines" in given and records else _find_header(records, width)
    skipped += header.start if header else 0
    options = {
        "encoding": encoding,
        "delimiter": dialect.delimiter,
        "quote": dialect.quote,
        "escape": dialect.escape,
        "skipLines": str(skipped),
        "numberDoubles": "true",
    }
    notes = [f"delimited by {_DELIMITERS.get(dialect.delimiter, dialect.delimiter)}, {title}"]
    if width == 1:
        notes.append("only one column: no delimiter was found (--delimiter)")
    if header:
        options |= {"columnCount": str(width)} if _fits(header, width) else {}
        width = width if _fits(header, width) else max(width, len(header.cells))
        end_early = [record for record in records if max(2, width / 2) <= len(record.cells) < width]
        if len(end_early) > _HABIT * len(records):
            options["padRows"] = "true"
            notes.append("rows that leave out their last cells are filled up")
        notes += _header_notes(header, skipped - int(named is not None))
    return Written("csv", options, tuple(notes))


def _quoted(lines: Sequence[str], delimiter: str, encoding: str) -> Dialect:
    dialect = Dialect(delimiter=delimiter, encoding=encoding)
    text = "".join(lines[:_RECORDS])
    if '"' not in text:
        cells = [cell.strip() for line in lines[:_RECORDS] for cell in line.split(delimiter)]
        filled = [cell for cell in cells if cell]
        if sum(len(cell) > 1 and cell[0] == cell[-1] == "'" for cell in filled) > 0.5 * len(filled):
            return replace(dialect, quote="'", escape="'")
    return replace(dialect, escape="\\") if _ESCAPED_QUOTE.search(text) else dialect


def _find_delimiter(lines: Sequence[str]) -> str:
    """Choose the delimiter that gives many cells, and most records the same number of them."""

    def worth(delimiter: str) -> float:
        records = list(_scan(lines, Dialect(delimiter=delimiter)))
        width = _usual_width(records)
        header = _find_header(records, width)
        share = sum(len(record.cells) == width for record in records) / max(len(records), 1)
        return share**2 * math.log(max(width, 1)) * (1 if header is None or _names_columns(header) else 0.5)

    return max(DELIMITERS, key=worth)


def _scan(lines: Sequence[str], dialect: Dialect) -> Iterator[_Record]:
    scanner, at, count = Scanner(dialect), 0, 0
    while at < len(lines) and count < _RECORDS:
        if lines[at] == "\n":
            at += 1
            continue
        record = scanner.scan(lines, at, min(len(lines), at + _RECORDS))
        if record.broken_at is not None:
            record = scanner.scan(lines, at, at + 1)._replace(end=at + 1)
        yield _Record(at, record.cells)
        at, count = record.end, count + 1


def _usual_width(records: Sequence[_Record]) -> int:
    """Return how many cells most records have; of several that are as frequent the most."""
    counts = Counter(len(record.cells) for record in records)
    return max(counts, key=lambda width: (counts[width], width)) if counts else 0


def _find_header(records: Sequence[_Record], width: int) -> _Record | None:
    """Return the first record that is about as full as those after it, preferably one as wide that looks like names."""
    fullness = sorted(record.filled for record in records if len(record.cells) == width)
    usual = fullness[len(fullness) // 2] if fullness else 0
    full = [record for record in records[:_HEADER_WITHIN] if record.filled >= max(2, usual / 2)]
    wide = next((it for it in full if len(it.cells) == width or width < len(it.cells) == it.filled), None)
    near = next((record for record in full if abs(len(record.cells) - width) <= 1), None)
    if wide is not None and _names_columns(wide):
        return wide
    return near or (records[0] if records else None)


def _names_columns(record: _Record) -> bool:
    """Tell whether a record could be names: no addresses of e-mail, and few numbers."""
    filled = [cell for cell in map(str.strip, record.cells) if cell]
    numbers = sum(cell[0].isdecimal() or cell[-1].isdecimal() for cell in filled if not cell[0].isalpha())
    return not any("@" in cell for cell in filled) and numbers < max(len(filled) / 3, 1)


def _fits(header: _Record, width: int) -> bool:
    """Tell whether rows have one column more, or one less that has no name, than the header."""
    cells = header.cells
    return len(cells) == width - 1 or (len(cells) == width + 1 and not cells[-1].strip())


def _header_notes(header: _Record, skipped: int) -> Iterator[str]:
    if skipped > 0:
        yield f"{skipped} line{'s' if skipped > 1 else ''} before the header left out"
    cells = [cell.strip() for cell in header.cells]
    doubles = [new for old, new in zip(cells, number_doubles(cells), strict=True) if old and old != new]
    if not _names_columns(header):
        yield "its first line looks like data: name the columns in a line before it"
    if doubles:
        yield f"a name that stands twice gets a number: {', '.join(doubles)}"
