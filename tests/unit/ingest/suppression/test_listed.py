"""Who is on the list is found in whatever spelling a row has."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.normalise.strategies import TEXTS

from cdp_spark.config.source import SourceConfig
from cdp_spark.ingest.reading import ReadBatch
from cdp_spark.ingest.reading.batch import rejected_table
from cdp_spark.ingest.staging.rows import SUPPRESSED, Staging, stage_batch
from cdp_spark.ingest.suppression.listed import Listed
from cdp_spark.normalise.hashing import record_key, sha256
from cdp_spark.normalise.identifiers import email_identifiers, searched_identifiers
from cdp_spark.normalise.keyed_hashing import SOURCE_RECORD, SuppressionList, key_name, keyed_hash
from cdp_spark.normalise.people.contact_points import split_cell
from cdp_spark.normalise.people.email import read_email
from cdp_spark.normalise.people.phone import read_phone

KEY = b"0123456789abcdef"
NOW = datetime(2026, 10, 1, tzinfo=UTC)
SOURCE = SourceConfig.model_validate(
    {
        "name": "crm",
        "kind": "records",
        "format": "csv",
        "path": "x.csv",
        "key": ("id",),
        "columns": {
            "email": {"from": ("mail", "mail_2")},
            "phone": {"from": ("tel", "mobile")},
            "national_id": {"from": ("tax",)},
            "country": {"from": ("land", "country")},
        },
        "identifiers": {"loyalty_id": "card", "email_sha256": "hashed", "user_id": "login"},
    }
)
GLUED = SourceConfig.model_validate(
    {
        "name": "crm",
        "kind": "records",
        "format": "csv",
        "path": "x.csv",
        "key": ("id",),
        "columns": {
            "email": {"from": ("mail", "mail_2"), "join": "@"},
            "phone": {"from": ("tel", "mobile"), "join": ""},
            "country": {"value": "DE"},
        },
    }
)
EVENTS = SourceConfig.model_validate(
    {
        "name": "web",
        "kind": "events",
        "format": "json",
        "path": "x.jsonl",
        "default_region": "FR",
        "events": {
            "event_type": {"value": "view"},
            "occurred_at": {"column": "at"},
            "identifiers": {"email": "mail", "phone": "tel"},
        },
    }
)
GMAIL, MUNICH, TEL, PARIS = "ann.lee@gmail.com", "ann@m\u00fcnchen.de", "+49 30 1234567", "+33 1 42 68 53 00"
ERASED = {
    "email": (GMAIL, "o'brien@x.org", MUNICH),
    "phone": (TEL, PARIS),
    "national_id": ("DE 129-457-780",),
    "loyalty_id": ("ab 12-34",),
    "user_id": ("U-77",),
    "source_record": (record_key("crm", "7"),),
}


def listed(source: SourceConfig | None = SOURCE, *, region: str = "US", visitors_region: str | None = None) -> Listed:
    """A list of the erased people, as a source's rows are asked for them."""
    pairs = {
        pair
        for kind, values in ERASED.items()
        for value in values
        for pair in ([(kind, value)] if kind == SOURCE_RECORD else searched_identifiers(kind, value, region="US"))
    }
    hashes = frozenset(keyed_hash(*pair, key=KEY) for pair in pairs)
    return Listed(SuppressionList(KEY, hashes, frozenset(kind for kind, _ in pairs)), region, source, visitors_region)


SPELLINGS: list[tuple[str, dict[str, str]]] = [
    ("another case", {"mail": "ANN.LEE@GMAIL.COM"}),
    ("dots, tag and second domain of the provider", {"mail": "a.n.n.lee+shop@googlemail.com"}),
    ("mailto", {"mail": "mailto:annlee@gmail.com?subject=hi"}),
    ("mailto with percent signs", {"mail": "MAILTO:ann%2Elee%2Bshop%40gmail.com"}),
    ("a final dot", {"mail": "annlee@gmail.com."}),
    ("angle brackets", {"mail": "Ann Lee <annlee@gmail.com>"}),
    ("square brackets", {"mail": "[annlee@gmail.com]"}),
    ("round brackets", {"mail": "(annlee@gmail.com)"}),
    ("a quoted name with a comma", {"mail": '"Lee, Ann" <annlee@gmail.com>'}),
    ("quotation marks", {"mail": "'annlee@gmail.com'"}),
    ("full-width characters", {"mail": "\uff41nnlee\uff20gmail\uff0ecom"}),
    ("an ideographic full stop", {"mail": "annlee@gmail\u3002com"}),
    ("zero-width characters", {"mail": "\ufeffann\u200blee@gmail.com\u2060"}),
    ("a soft hyphen", {"mail": "ann\u00adlee@gmail.com"}),
    ("white space around", {"mail": "\u00a0annlee@gmail.com\t"}),
    ("the last of several", {"mail": "bob@y.org; cy@y.org | annlee@gmail.com"}),
    ("lines", {"mail": "bob@y.org\r\nannlee@gmail.com"}),
    ("a list of JSON", {"mail": '["bob@y.org", "annlee@gmail.com"]'}),
    ("a list of JSON with escapes", {"mail": '["annlee\\u0040gmail.com"]'}),
    ("objects in a list", {"mail": '[{"value": "annlee@gmail.com"}]'}),
    ("the second column", {"mail": "bob@y.org", "mail_2": "annlee@gmail.com"}),
    ("punycode", {"mail": "ann@xn--mnchen-3ya.de"}),
    ("its own script", {"mail": "ann@M\u00dcNCHEN.de"}),
    ("its own script, decomposed", {"mail": "ann@mu\u0308nchen.de"}),
    ("an apostrophe", {"mail": "o'brien@x.org"}),
    ("a hash of the mailbox", {"hashed": sha256("annlee@gmail.com").upper()}),
    ("a hash of the address", {"hashed": sha256(GMAIL)}),
    ("a hash of the punycode", {"hashed": sha256("ann@xn--mnchen-3ya.de")}),
    ("E.164", {"tel": "+49301234567"}),
    ("brackets and dashes", {"tel": "+49 (0)30 123-45-67"}),
    ("two zeros for a plus", {"tel": "0049 30 1234567", "land": "Germany"}),
    ("a tel: link", {"tel": "tel:+49-30-1234567"}),
    ("full-width digits", {"tel": "\uff0b\uff14\uff19301234567"}),
    ("digits of another script", {"tel": "+\u0664\u0669\u0663\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667"}),
    ("a spreadsheet's text mark", {"tel": "'+49301234567"}),
    ("a country's name beside it", {"tel": "030/1234567", "land": "Deutschland"}),
    ("a country's code in the second column", {"tel": "030 1234567", "land": "n/a", "country": "DE"}),
    ("an extension", {"tel": "+49 30 1234567 ext. 12"}),
    ("the second of two phones", {"tel": "+1 202 555 0123; +49 30 1234567"}),
    ("a list of phones", {"mobile": '["+49301234567"]'}),
    ("a national id without marks", {"tax": "de129457780"}),
    ("a card without spaces", {"card": "AB1234"}),
    ("a login with white space", {"login": " U-77 "}),
    ("the same record under a new name", {"id": " 7 ", "mail": "new@y.org"}),
]
OTHERS: list[tuple[str, dict[str, str]]] = [
    ("somebody else", {"mail": "bob@y.org", "tel": "+49 30 7654321", "tax": "DE1", "card": "X", "login": "u-77"}),
    ("a domain that looks alike", {"mail": "annlee@gmail.com.evil.org"}),
    ("dots at a provider that counts them", {"mail": "o.brien@x.org"}),
    ("the same digits in another country", {"tel": "030 1234567", "land": "NL"}),
    ("the same digits without a country", {"tel": "030 1234567"}),
    ("nobody", {"mail": "", "tel": "none"}),
]


def stage(source: SourceConfig, reader: Listed, *rows: dict[str, str]) -> pa.Table:
    names = sorted({name for row in rows for name in row} | {"id"})
    table = pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in names})
    return stage_batch(
        ReadBatch(table, rejected_table([]), "f"), Staging(source, as_of=NOW, region="US", listed=reader)
    )


@pytest.mark.parametrize("row", [row for _, row in SPELLINGS], ids=[name for name, _ in SPELLINGS])
def test_every_spelling_of_somebody_who_was_erased_is_theirs(row: dict[str, str]) -> None:
    assert listed().is_listed({"id": "1", **row}, None)


@pytest.mark.parametrize("row", [row for _, row in OTHERS], ids=[name for name, _ in OTHERS])
def test_others_are_not_taken_for_them(row: dict[str, str]) -> None:
    assert not listed().is_listed({"id": "1", **row}, None)


def test_a_batch_is_judged_as_its_rows_are() -> None:
    rows = [{"id": "1", **row} for _, row in SPELLINGS + OTHERS]
    staged = stage(SOURCE, listed(), *rows)
    assert staged["reason"].to_pylist() == [SUPPRESSED] * len(SPELLINGS) + [None] * len(OTHERS)


def test_columns_that_are_glued_to_one_value_are_read_glued() -> None:
    rows = [{"id": "1", "mail": "annlee", "mail_2": "gmail.com"}, {"id": "2", "tel": "030", "mobile": "1234567"}]
    others = [{"id": "3", "mail": "bob", "mail_2": "gmail.com"}, {"id": "4", "tel": "030", "mobile": "1234568"}]
    assert stage(GLUED, listed(GLUED), *rows, *others)["reason"].to_pylist() == [SUPPRESSED, SUPPRESSED, None, None]


def test_a_phone_in_an_event_is_read_by_the_countries_of_source_and_visitors() -> None:
    reader = listed(EVENTS, region="FR", visitors_region="DE")
    numbers = {"030 1234567": True, "01 42 68 53 00": True, "01 42 68 53 01": False}
    assert {text: reader.is_listed({"tel": text}, None) for text in numbers} == numbers


def test_what_is_no_row_is_searched_for_emails() -> None:
    lines = [
        "7;annlee@gmail.com;x",
        "mail=ann.lee+x@gmail.com",
        "{'mail':'annlee@gmail.com'}",
        "to:annlee\uff20gmail.com",
        "o'brien@x.org\\tcalled",
        "7;bob@y.org",
        "",
    ]
    assert [listed(None).mentions(line) for line in lines] == [True] * 5 + [False] * 2


@given(
    st.lists(TEXTS, min_size=1, max_size=3), st.sampled_from(["@gmail.com", "@xn--mnchen-3ya.de;", "mailto:a%40x.org"])
)
def test_whatever_standardising_reads_in_a_cell_is_searched_for(texts: list[str], ending: str) -> None:
    cell = "".join(text + ending for text in texts)
    emails = [email for part in split_cell(cell) if (email := read_email(part)).reason is None]
    wanted = {(kind, value) for email in emails for kind, value, _ in email_identifiers(email)}
    assert wanted <= set(searched_identifiers("email", cell, region="US"))
    phones = {("phone", phone) for part in split_cell(cell) if (phone := read_phone(part, "US").usable)}
    assert phones == set(searched_identifiers("phone", cell, region="US"))


def test_a_key_is_known_by_its_check_value() -> None:
    assert key_name("k1", KEY) == "k1-" + key_name("k2", KEY)[3:]
    assert key_name("k1", KEY) != key_name("k1", b"0123456789abcdeg")
    assert len(key_name("k1", KEY)) == 19
