"""Read an answered sheet."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow.parquet
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.labels import CANNOT_LINK, MUST_LINK
from cdp_spark.errors import ConfigError, DataError
from cdp_spark.labelling.links import Label, Pair, ordered
from cdp_spark.labelling.sheet import ALLOWED_FILES, ANSWER, COMMENT
from cdp_spark.tables.catalog import RECORDS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from pyspark.sql import SparkSession

    from cdp_spark.tables.store import Store

Verdict = Literal["yes", "no", "unsure"]

SPELLINGS: dict[Verdict, frozenset[str]] = {
    "yes": frozenset({"yes", "y", "true", "1", "same", "match", "must_link", "ja", "j", "oui", "o", "si", "sí"}),
    "no": frozenset({"no", "n", "false", "0", "different", "no match", "cannot_link", "nein", "non"}),
    "unsure": frozenset({"unsure", "?", "maybe", "unknown", "not sure", "don't know", "u"}),
}
_VERDICTS: dict[str, Verdict] = {word: verdict for verdict, words in SPELLINGS.items() for word in words}
_SHOWN = 10


@dataclass(frozen=True)
class Answer:
    """An answered row of a sheet.

    Args:
        row: its number in the file, the header being row 1.
        pair: record keys, the smaller first.
        verdict: yes, no or unsure.
        comment: what was written beside it.
        model_version: of the model that scored the pair when the sheet was made; None where the sheet does not say.
    """

    row: int
    pair: Pair
    verdict: Verdict
    comment: str
    model_version: int | None


@dataclass(frozen=True)
class Answers:
    """What came back.

    Args:
        answers: the answered rows.
        unanswered: rows left empty.
    """

    answers: tuple[Answer, ...]
    unanswered: int

    def count(self, verdict: Verdict) -> int:
        """Rows with this answer."""
        return sum(it.verdict == verdict for it in self.answers)

    def labels(self) -> tuple[Label, ...]:
        """Yes as must-links, no as cannot-links."""
        kinds = {"yes": MUST_LINK, "no": CANNOT_LINK}
        decided = {it.pair: Label(it.pair, kinds[it.verdict], it.comment) for it in self.answers if it.verdict in kinds}
        return tuple(decided.values())


def read_answers(store: Store, path: Path, *, entity_type: str) -> Answers:
    """Read an answered sheet and check it against the records, all of it or none.

    Args:
        store: the warehouse.
        path: what `write_sheet` wrote, answered.
        entity_type: of the sheet's pairs.

    Raises:
        ConfigError: the suffix is unknown, or a column is missing.
        DataError: the file is not there, or rows are malformed, by their numbers.
    """
    rows = read_rows(store.spark, path)
    keys = sorted({row[side].strip() for row in rows for side in (c.RECORD_KEY_L, c.RECORD_KEY_R)})
    named = store.spark.createDataFrame([(key,) for key in keys], f"{c.RECORD_KEY} string")
    records = store.read(RECORDS).where(F.col(c.ENTITY_TYPE) == entity_type).select(c.RECORD_KEY)
    known = {row[0] for row in records.join(F.broadcast(named), on=c.RECORD_KEY, how="left_semi").collect()}
    return parse_answers(rows, known=known, where=str(path))


def read_rows(spark: SparkSession, path: Path) -> list[dict[str, str]]:
    """The rows of a sheet as texts.

    Raises:
        ConfigError: the suffix is unknown, or a column is missing.
        DataError: the file is not there.
    """
    if not path.exists():
        raise DataError(str(path), got="nothing there", allowed="an answered sheet", fix="check the path")
    rows = _read(spark, path)
    needed = (c.RECORD_KEY_L, c.RECORD_KEY_R, ANSWER)
    missing = [name for name in needed if rows and name not in rows[0]]
    if missing:
        got = f"no column {', '.join(missing)}"
        raise ConfigError(str(path), got=got, allowed=", ".join(needed), fix="keep the header that `cdp label` wrote")
    return rows


def parse_answers(rows: Sequence[Mapping[str, str]], *, known: Collection[str], where: str) -> Answers:
    """Understand the rows of a sheet, all or none.

    Args:
        rows: as `read_rows` gives them.
        known: record keys of the warehouse.
        where: the file, for messages.

    Raises:
        DataError: answers that are not understood, pairs of unknown records, pairs answered in two ways; by row.
    """
    parsed, malformed, unanswered = [], [], 0
    said: dict[Pair, Verdict] = {}
    for number, row in enumerate(rows, start=2):
        word = (row[ANSWER] or "").strip().lower()
        if not word:
            unanswered += 1
            continue
        answer, mistake = _parse(number, row, word, known)
        if answer is not None and said.setdefault(answer.pair, answer.verdict) != answer.verdict:
            answer, mistake = None, "a pair that another row answers otherwise"
        parsed += [answer] if answer else []
        malformed += [] if answer else [f"row {number}: {mistake}"]
    if malformed:
        more = f"; and {len(malformed) - _SHOWN} more" if len(malformed) > _SHOWN else ""
        allowed = "; ".join(f"{verdict}: {', '.join(sorted(words))}" for verdict, words in SPELLINGS.items())
        fix = "correct these rows and read the file again; nothing of it was taken"
        raise DataError(where, got="; ".join(malformed[:_SHOWN]) + more, allowed=allowed, fix=fix)
    return Answers(tuple(parsed), unanswered)


def _parse(number: int, row: Mapping[str, str], word: str, known: Collection[str]) -> tuple[Answer | None, str]:
    one, other = ((row[name] or "").strip() for name in (c.RECORD_KEY_L, c.RECORD_KEY_R))
    if one not in known or other not in known:
        return None, "a record that the warehouse does not have"
    if one == other:
        return None, "a record paired with itself"
    if word not in _VERDICTS:
        return None, "an answer that is not understood"
    version = (row.get(c.MODEL_VERSION) or "").strip()
    comment = (row.get(COMMENT) or "").strip()
    model_version = int(version) if version.isdecimal() else None
    return Answer(number, ordered(one, other), _VERDICTS[word], comment, model_version), ""


def _read(spark: SparkSession, path: Path) -> list[dict[str, str]]:
    match path.suffix.lower():
        case ".csv":
            return _read_csv(path)
        case ".parquet":
            return _as_texts(pyarrow.parquet.read_table(path).to_pylist())
        case "":
            return _as_texts([row.asDict() for row in spark.read.format("delta").load(str(path.absolute())).collect()])
    raise ConfigError(str(path), got=f"suffix {path.suffix!r}", allowed=ALLOWED_FILES, fix="convert it")


def _read_csv(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file as spreadsheets write it: commas, semicolons or tabs, with or without a byte order mark."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = file.readline()
        separator = Counter(it for it in header if it in ",;\t").most_common(1)
        file.seek(0)
        reader = csv.DictReader(file, delimiter=separator[0][0] if separator else ",")
        return [{name: value or "" for name, value in row.items() if name} for row in reader]


def _as_texts(rows: Sequence[Mapping[str, object]]) -> list[dict[str, str]]:
    return [{name: "" if value is None else str(value) for name, value in row.items()} for row in rows]
