from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cdp_spark.config.source import SourceConfig
from cdp_spark.ingest.reading import ReadBatch, open_source
from cdp_spark.ingest.reading.batch import Refused, rejected_table
from cdp_spark.ingest.staging.facts import Tally, add_facts, count_facts
from cdp_spark.ingest.staging.rows import STAGED, Staging, stage_batch
from cdp_spark.ingest.suppression.listed import Listed
from cdp_spark.normalise.hashing import hash_key, record_key
from cdp_spark.normalise.keyed_hashing import SOURCE_RECORD, SuppressionList, keyed_hash

Make = Callable[..., SourceConfig]
AS_OF = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)
EARLIER = datetime(2026, 10, 20, 2, 0, tzinfo=UTC)
_KEY = b"0123456789abcdef"


def _stage(rows: list[dict[str, str | None]], source: SourceConfig, **settings: Any) -> list[dict[str, Any]]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in names]))
    staged: list[dict[str, Any]] = _staged(
        ReadBatch(table, rejected_table([]), "file:/a"), source, **settings
    ).to_pylist()
    return staged


def _staged(batch: ReadBatch, source: SourceConfig, **settings: Any) -> pa.Table:
    staged = stage_batch(batch, Staging(source, as_of=AS_OF, region="US", **settings))
    assert staged.schema == STAGED
    return staged


def _listed(source: SourceConfig, *pairs: tuple[str, str]) -> Listed:
    hashes = frozenset(keyed_hash(kind, value, key=_KEY) for kind, value in pairs)
    return Listed(SuppressionList(_KEY, hashes, frozenset(kind for kind, _ in pairs)), "US", source)


def test_a_record(source: Make) -> None:
    crm = source("people", observed_at={"column": "updated"})

    (row,) = _stage([{"id": " 1 ", "name": "Ann", "email": None, "updated": "2026-10-01"}], crm)

    text = '{"id":" 1 ","name":"Ann","updated":"2026-10-01"}'
    assert row == dict.fromkeys(STAGED.names) | {
        "source": "crm",
        "kind": "records",
        "entity_type": "person",
        "key": "1",
        "record_key": record_key("crm", "1"),
        "content_hash": sha256(text.encode()).hexdigest(),
        "at_utc": datetime(2026, 10, 1, tzinfo=UTC),
        "time_issue": False,
        "row": [("id", " 1 "), ("name", "Ann"), ("updated", "2026-10-01")],
        "source_file": "file:/a",
    }


def test_an_event_may_be_identified_by_several_columns(source: Make) -> None:
    fields = source("visits").model_dump(mode="json", by_alias=True)["events"] | {"event_id": ["id", "line"]}
    lines = [{"id": "7", "line": line, "type": "buy", "at": "2026-10-01"} for line in ("1", "2", "2", None)]

    rows = _stage([dict(line) for line in lines], source("visits", events=fields))

    assert rows[1]["key"] == rows[2]["key"] == hash_key(source="web", event_id='["7","2"]')
    assert rows[0]["key"] != rows[1]["key"]
    assert [row["reason"] for row in rows] == [None, None, None, "null_key"]


def test_times_before_1900_and_after_tomorrow_are_an_issue_of_records_and_a_reason_against_events(source: Make) -> None:
    times = ["0001-01-01", "1899-12-31", "1900-01-01", "2026-11-02", "2026-11-03", "9999-12-31", "soon", None]
    crm = source("people", observed_at={"column": "at"})

    records = _stage([{"id": "1", "at": at} for at in times], crm)
    events = _stage([{"id": "1", "type": "view", "at": at} for at in times], source("visits"))

    assert [row["at_utc"] is None for row in records] == [True, True, False, False, True, True, True, True]
    assert [row["time_issue"] for row in records] == [row["at_utc"] is None for row in records]
    late = "time_out_of_range"
    assert [row["reason"] for row in events] == [late, late, None, None, late, late, "bad_time", "bad_time"]


def test_a_record_is_refused_for_its_key_or_its_texts(source: Make) -> None:
    crm = source("people", key=("id", "part"))
    rows: list[dict[str, str | None]] = [
        {"id": "1", "part": 'a"'},
        {"id": "1", "part": " "},
        {"id": "1", "part": "b", "name": "D\x00"},
        {"id": "1", "part": "c", "name": "\\u0000"},
        {"id": "1", "part": "c", "name": "\\\x00"},
        {"id": "1", "part": "d", "name": "J\ufffd"},
    ]

    staged = _stage(rows, crm)

    assert [row["key"] for row in staged][:2] == ['["1","a\\""]', None]
    assert [row["reason"] for row in staged] == [
        None,
        "null_key",
        "nul_character",
        None,
        "nul_character",
        "bad_encoding",
    ]
    assert staged[1]["raw_text"] == '{"id":"1","part":" "}'
    assert staged[1]["row"] is None


def test_an_event(source: Make) -> None:
    visit: dict[str, str | None] = {
        "id": "1",
        "type": "view",
        "at": "2026-10-31T10:00:00+02:00",
        "cookie": " c1 ",
        "email": "",
    }

    row, twin, other = _stage([visit, visit, visit | {"id": "2"}], source("visits"))

    assert (row["event_type"], dict(row["identifiers"])) == ("view", {"cookie_id": "c1"})
    assert row["at_utc"] == datetime(2026, 10, 31, 8, tzinfo=UTC)
    assert row["key"] == twin["key"] != other["key"]
    assert row["record_key"] is None


def test_an_event_without_an_id_is_its_content_and_without_a_type_it_is_refused(source: Make) -> None:
    events: dict[str, Any] = {
        "event_type": {"from": ("a", "b"), "join": "-"},
        "occurred_at": {"column": "at"},
        "identifiers": {"cookie_id": "cookie"},
    }
    visits = source("visits", events=events)
    rows: list[dict[str, str | None]] = [
        {"at": "2026-10-31", "a": "x", "b": "y"},
        {"at": "2026-10-31", "b": "y"},
        {"at": "2026-10-31", "a": " "},
    ]

    staged = _stage(rows, visits)

    assert [row["event_type"] for row in staged] == ["x-y", "y", None]
    assert [row["reason"] for row in staged] == [None, None, "null_event_type"]
    assert len({row["key"] for row in staged}) == 3


def test_consents_are_about_mailboxes_and_numbers(source: Make) -> None:
    expected = {
        " A.B@X.com ": "a.b@x.com",
        "Ann.Lee+News@GoogleMail.com": "annlee@gmail.com",
        "(650) 253-0000": "+16502530000",
        "+49 30 123456": "+4930123456",
        "a@b@c": None,
        "12": None,
    }
    given: dict[str, str | None] = {"purpose": "E-Mail", "status": " Yes", "at": "2026-10-01", "form": "f"}

    staged = _stage([given | {"contact": contact} for contact in expected], source("choices"))

    assert {row["row"] and dict(row["row"])["contact"]: row["key"] for row in staged if row["row"]} == {
        text: sha256(value.encode()).hexdigest() for text, value in expected.items() if value
    }
    assert [row["contact_point_type"] for row in staged] == ["email", "email", "phone", "phone", "email", "phone"]
    assert {row["reason"] for row in staged} == {None, "bad_contact"}
    assert (staged[0]["purpose"], staged[0]["status"], staged[0]["evidence"]) == ("e_mail", "granted", "f")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"contact": " "}, "null_key"),
        ({"at": "soon"}, "bad_time"),
        ({"at": "1800-01-01"}, "time_out_of_range"),
        ({"purpose": None}, "null_purpose"),
        ({"status": " "}, "unknown_status"),
        ({"status": "abgemeldet"}, "unreadable_withdrawal"),
        ({"contact": "a@b@c"}, "bad_contact"),
        ({}, None),
    ],
)
def test_a_consent_is_refused(source: Make, change: dict[str, str | None], reason: str | None) -> None:
    given: dict[str, str | None] = {"contact": "a.b@x.org", "purpose": "mail", "status": "yes", "at": "2026-10-01"}

    assert [row["reason"] for row in _stage([given | change], source("choices"))] == [reason]


WITHDRAWN: dict[str, str | None] = {"contact": "a@x.org", "purpose": "mail", "status": "withdrawn", "at": "2026-10-01"}


@pytest.mark.parametrize(
    "change", [{"contact": " "}, {"contact": "a@b@c"}, {"purpose": None}, {"contact": "\ufffd@x.org"}]
)
def test_a_withdrawal_of_nobody_knows_whom_has_a_reason_of_its_own(source: Make, change: dict[str, str | None]) -> None:
    assert [row["reason"] for row in _stage([WITHDRAWN | change], source("choices"))] == ["unreadable_withdrawal"]


@pytest.mark.parametrize(
    ("contact", "mailbox"),
    [
        ("mailto:a%40x.org?subject=stop", "a@x.org"),
        ("<A@x.org>.", "a@x.org"),
        ("\uff41\uff20x.org\u200b", "a@x.org"),
        ("a+shop@hotmail.com", "a@hotmail.com"),
        ("a@xn--mnchen-3ya.de", "a@m\u00fcnchen.de"),
        ("a@M\u00dcNCHEN.de", "a@m\u00fcnchen.de"),
        ("a@x.org; A@X.org", "a@x.org"),
        ('["a@x.org"]', "a@x.org"),
        ("tel:+49-30-1234567", "+49301234567"),
        ("+49 30 1234567 | 0049301234567;", None),
        ("a@x.org; b@x.org", None),
        ("a at x.org", None),
    ],
)
def test_a_withdrawal_is_read_in_every_spelling_or_holds_exports(
    source: Make, contact: str, mailbox: str | None
) -> None:
    (row,) = _stage([WITHDRAWN | {"contact": contact}], source("choices"))

    expected = (sha256(mailbox.encode()).hexdigest(), None) if mailbox else (None, "unreadable_withdrawal")
    assert (row["key"], row["reason"]) == expected


def test_a_grant_that_is_dated_ahead_counts_from_the_run_and_outlasts_no_withdrawal(source: Make) -> None:
    ahead = (AS_OF + timedelta(hours=9)).isoformat()
    grant, refusal = _stage(
        [WITHDRAWN | {"at": ahead, "status": status} for status in ("yes", "no")], source("choices")
    )

    assert [(it["status"], it["at_utc"]) for it in (grant, refusal)] == [("granted", AS_OF), ("denied", AS_OF)]


@pytest.mark.parametrize("at", ["soon", None, "1800-01-01", "2226-10-01", "2026-11-01T12:00:00Z"])
def test_a_withdrawal_without_a_usable_time_counts_from_the_run_that_it_first_came_in(
    source: Make, at: str | None
) -> None:
    (row,) = _stage([WITHDRAWN | {"at": at}], source("choices"))
    (again,) = _stage([WITHDRAWN | {"at": at}], source("choices"), undated={row["content_hash"]: EARLIER})

    assert (row["reason"], row["at_utc"], row["status"]) == (None, AS_OF, "withdrawn")
    assert again["at_utc"] == EARLIER


@pytest.mark.parametrize("status", ["Unsubscribed", "opted out", "Opt-out", "WITHDRAWN", "revoked"])
def test_the_words_of_a_withdrawal_in_any_spelling(source: Make, status: str) -> None:
    assert [row["status"] for row in _stage([WITHDRAWN | {"status": status}], source("choices"))] == ["withdrawn"]


def test_an_ignored_column_is_in_no_text(source: Make) -> None:
    rows: list[dict[str, str | None]] = [{"id": "1", "name": "Ann", "age": "40"}, {"id": None, "age": "40"}]

    staged = _stage(rows, source("people"), kept=frozenset({"id", "name", "email"}))

    assert dict(staged[0]["row"]) == {"id": "1", "name": "Ann"}
    assert staged[1]["raw_text"] == "{}"


def test_facts_of_all_batches_add_up(tmp_path: Path, source: Make) -> None:
    lines = ['{"id": 1, "type": "view", "at": "2026-10-31"}', '{"id": 2, "none": null}', "{", "{"]
    (tmp_path / "web.jsonl").write_text("\n".join(lines))
    visits = source("visits")
    reading = open_source(visits, folder=str(tmp_path))
    assert reading is not None

    facts = [count_facts(_staged(batch, visits, names_columns=True)) for batch in reading.batches()]

    rejected = {"malformed_json": 4, "bad_time": 2}
    assert add_facts(facts * 2) == {"web": Tally(rejected, 2, columns={"id", "type", "at", "none"})}


def test_who_is_listed_is_counted_and_nothing_else(source: Make) -> None:
    crm = source("people", observed_at={"column": "at"})
    listed = _listed(crm, ("email", "annlee@gmail.com"), (SOURCE_RECORD, record_key("crm", "7")))
    rows: list[dict[str, str | None]] = [
        {"id": "1", "name": "Ann", "email": "x@x.org; Ann.Lee@googlemail.com"},
        {"id": "2", "name": "Bob", "email": "bob@y.org", "at": "2026-10-01"},
        {"id": "7", "name": "Cy", "email": None},
        {"id": None, "name": "ann.lee@gmail.com", "email": None},
    ]
    table = pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in ("id", "name", "email", "at")]))
    torn = rejected_table([Refused("1,Ann,ann.lee@gmail.com,", "column_count"), Refused("2,Bob", "column_count")])

    staged = _staged(ReadBatch(table, torn, "file:/a"), crm, listed=listed).to_pylist()

    assert [row["reason"] for row in staged] == [
        "suppressed",
        None,
        "suppressed",
        "suppressed",
        "suppressed",
        "column_count",
    ]
    nothing = dict.fromkeys(STAGED.names)
    told = {"source": "crm", "kind": "records", "entity_type": "person", "source_file": "file:/a", "time_issue": False}
    assert [row for row in staged if row["reason"] == "suppressed"] == [nothing | told | {"reason": "suppressed"}] * 4


def test_a_row_alone_is_looked_at_like_a_batch(source: Make) -> None:
    crm = source("people")
    listed = _listed(crm, ("email", "annlee@gmail.com"), (SOURCE_RECORD, record_key("crm", "7")))
    anybody = Listed(listed.suppressions, "US")
    row = {"id": "1", "email": "Ann.Lee@gmail.com"}

    assert listed.is_listed(row, None)
    assert listed.is_listed({"id": " 7 ", "email": None}, None)
    assert listed.is_listed(None, json.dumps(row))
    assert listed.is_listed(None, "1;<ann.lee+x@gmail.com>;")
    assert not listed.is_listed({"id": "1", "email": "bob@y.org"}, None)
    assert not listed.is_listed(None, '{"id": ')
    assert anybody.is_listed({"any": "Ann.Lee@gmail.com"}, None)
    assert not anybody.is_listed({"id": "7"}, "7")


def test_a_note_in_a_file_of_consents_gives_no_consent_of_somebody_else(tmp_path: Path, source: Make) -> None:
    note = '"phoned us\nvictim@x.org,mail,yes,2026-10-01,web\nbye"'
    rows = [f"ann@x.org,mail,no,2026-10-01,{note}", f"bob@x.org,mail,yes,2026-10-01,{note},more"]
    (tmp_path / "preferences.csv").write_text("\n".join(["contact,purpose,status,at,form", *rows]))
    choices = source("choices")
    reading = open_source(choices, folder=str(tmp_path))
    assert reading is not None

    staged = [row for batch in reading.batches() for row in _staged(batch, choices).to_pylist()]

    assert [(row["status"], row["reason"], row["raw_text"]) for row in staged] == [
        ("denied", None, None),
        (None, "column_count", rows[1]),
    ]
