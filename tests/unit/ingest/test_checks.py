from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from cdp_spark.config.source import SourceConfig, configured_columns
from cdp_spark.ingest.checks import LastDelivery, identity_of, judge, name_files, reading_of
from cdp_spark.ingest.drift import Drift, find_drift
from cdp_spark.ingest.outcome import Outcome, tell_warnings
from cdp_spark.ingest.staging.facts import Tally

Make = Callable[..., SourceConfig]
_COLUMNS = {"id": "string", "name": "string", "email": "string"}
_LAST = LastDelivery(rows=100, rejected=0, columns=_COLUMNS, identity='person records by ["id"]', reading="-")


def test_too_many_refused_rows(source: Make) -> None:
    tally = Tally(rejected={"null_key": 3, "column_count": 2}, accepted=15)

    _, mistakes = judge(source("people", max_rejected_share=0.2), tally, _COLUMNS, last=None, force=False)

    assert [str(mistake) for mistake in mistakes] == [
        "source crm: got 5 of 20 rows refused (25.0%): null_key 3, column_count 2; allowed: 20.0%. "
        "Fix: correct the delivery or the mapping, or raise max_rejected_share"
    ]


def test_far_fewer_rows_than_last_time_unless_forced(source: Make) -> None:
    _, mistakes = judge(source("people"), Tally(accepted=49), _COLUMNS, last=_LAST, force=False)
    _, forced = judge(source("people"), Tally(accepted=49), _COLUMNS, last=_LAST, force=True)
    _, enough = judge(source("people"), Tally(accepted=50), _COLUMNS, last=_LAST, force=False)

    assert [mistake.got for mistake in mistakes] == ["49 rows after 100 in the last delivery"]
    assert forced == enough == []


def test_an_event_id_that_many_rows_share_with_different_contents_is_refused_unless_the_source_allows_it(
    source: Make,
) -> None:
    tally = Tally(accepted=300, duplicates=152, conflicts=152)
    columns = dict.fromkeys(("id", "type", "at", "cookie", "email"), "string")
    strict = source("visits", format="csv", max_conflict_share=0.05)

    _, mistakes = judge(strict, tally, columns, last=None, force=True)
    _, allowed = judge(source("visits", format="csv", max_conflict_share=0.6), tally, columns, last=None, force=False)
    _, equal = judge(strict, Tally(accepted=300, duplicates=152), columns, last=None, force=False)

    assert [str(mistake) for mistake in mistakes] == [
        "source web: got 152 of 300 rows with the event_id (id) of another row and a different content, which would "
        "be lost; allowed: 5.0% (max_conflict_share). Fix: name all columns that identify a row, such as event_id: "
        "[id, line_no], and an order's number as order_id; where later rows correct earlier ones, raise "
        "max_conflict_share"
    ]
    assert allowed == equal == []


def test_a_source_whose_key_changed_is_refused_until_it_is_reset(source: Make) -> None:
    columns = {**_COLUMNS, "line": "string"}
    last = replace(_LAST, columns=columns)

    _, mistakes = judge(source("people", key=("id", "line")), Tally(accepted=99), columns, last=last, force=True)
    _, same = judge(source("people"), Tally(accepted=99), columns, last=last, force=False)

    assert [str(mistake) for mistake in mistakes] == [
        'source crm: got person records by ["id", "line"] after person records by ["id"]: what was loaded before would '
        'be loaded again beside itself; allowed: person records by ["id"]. '
        "Fix: `cdp source reset crm` removes what was loaded, and the next run loads the source anew"
    ]
    assert same == []


def test_settings_that_are_applied_when_rows_are_loaded_are_noticed_when_they_change(source: Make) -> None:
    dated = source("people", observed_at={"column": "at"})
    fields = source("visits").model_dump(mode="json", by_alias=True)["events"]
    by_line, of_users = ({**fields, **it} for it in ({"event_id": ["id", "line"]}, {"identifiers": {"user_id": "u"}}))
    last = replace(_LAST, reading=reading_of(source("people", priority=1)))

    verdicts = [
        judge(it, Tally(accepted=99), {**_COLUMNS, "at": "string"}, last=last, force=False)[0]
        for it in (source("people"), dated)
    ]

    assert [it.is_read_anew for it in verdicts] == [False, True]
    assert reading_of(source("visits")) == reading_of(source("visits", events=by_line))
    assert reading_of(source("visits")) != reading_of(source("visits", events=of_users))
    assert tell_warnings(Outcome(dated, verdicts[1])) == [
        "source crm: `observed_at` changed; rows that were loaded before keep what was read then. "
        "`cdp source reset crm` loads them anew."
    ]


def test_what_identifies_the_rows_of_every_kind_of_source(source: Make) -> None:
    fields = source("visits").model_dump(mode="json", by_alias=True)["events"]
    by_row = source("visits", events=fields | {"event_id": []})
    sources = [source("people", entity_type="account"), source("visits"), by_row, source("choices")]

    told = ['account records by ["id"]', 'events by ["id"]', "events by the whole row", "consents"]
    assert [identity_of(it) for it in sources] == told


def test_an_empty_source_names_the_files_that_are_not_read(source: Make) -> None:
    unread = {f".part{number}.csv": "hidden: the name begins with . or _" for number in range(7)}

    _, mistakes = judge(source("people"), Tally(), None, last=None, force=False, unread=dict(list(unread.items())[:1]))

    assert [mistake.got for mistake in mistakes] == [
        "an empty source: no rows at crm.csv, where .part0.csv (hidden: the name begins with . or _) is not read"
    ]
    assert name_files(unread).endswith(".part4.csv (hidden: the name begins with . or _) and 2 more")


def test_an_empty_source_fails_or_warns(source: Make, caplog: pytest.LogCaptureFixture) -> None:
    _, mistakes = judge(source("people"), Tally(), None, last=_LAST, force=False)
    with caplog.at_level(logging.WARNING):
        _, warned = judge(source("people", on_empty="warn"), Tally(), None, last=_LAST, force=False)

    assert [mistake.got for mistake in mistakes] == ["an empty source: no rows at crm.csv"]
    assert warned == []
    assert caplog.messages == ["source crm: empty source, no rows at crm.csv"]


def test_drift_against_the_configuration_and_the_last_delivery(source: Make) -> None:
    last = {"id": "bigint", "name": "string", "email": "string", "city": "string"}
    present = {"id": "string", "name": "string", "age": "int"}

    assert find_drift(source("people", format="parquet"), present, last) == Drift(
        missing=("city", "email"), new=("age",), retyped=(("id", "bigint", "string"),)
    )
    assert find_drift(source("people"), present, None) == Drift(missing=("email",))


@pytest.mark.parametrize(
    ("drift", "got"),
    [
        ({}, ["no column 'email'"]),
        ({"missing": "null"}, []),
        ({"missing": "null", "new": "fail"}, ["new column 'age'"]),
        ({"missing": "null", "changed_type": "fail"}, ["changed types: 'name' was string and is int"]),
    ],
)
def test_drift_is_handled_as_the_setting_says(source: Make, drift: dict[str, str], got: list[str]) -> None:
    present = {"id": "string", "name": "int", "age": "int"}

    _, mistakes = judge(source("people", drift=drift), Tally(accepted=100), present, last=_LAST, force=False)

    assert [mistake.got for mistake in mistakes] == got


@pytest.mark.parametrize(
    ("setting", "present", "last", "got"),
    [
        ({}, {"at", "type", "id", "cookie"}, None, []),
        ({}, {"at", "type", "id"}, {"cookie"}, []),
        ({}, {"at", "type", "id"}, None, ["no column 'cookie' or 'email'"]),
        ({}, {"at", "cookie"}, {"id"}, ["no column 'type'"]),
        ({"missing": "fail"}, {"at", "type", "id", "cookie"}, {"email"}, ["no column 'email'"]),
        ({"missing": "null"}, {"at"}, None, []),
    ],
)
def test_json_may_leave_out_what_an_earlier_delivery_had(
    source: Make, setting: dict[str, str], present: set[str], last: set[str] | None, got: list[str]
) -> None:
    before = (
        LastDelivery(rows=1, rejected=0, columns=dict.fromkeys(last, "json"), identity='events by ["id"]', reading="-")
        if last
        else None
    )
    tally = Tally(accepted=1, columns=present)
    _, mistakes = judge(source("visits", drift=setting), tally, None, last=before, force=False)
    assert [mistake.got for mistake in mistakes] == got


def test_a_missing_key_is_never_null(source: Make) -> None:
    present = {"name": "string", "email": "string"}

    _, mistakes = judge(
        source("people", drift={"missing": "null"}), Tally(rejected={"null_key": 9}), present, last=None, force=False
    )

    assert [mistake.got for mistake in mistakes] == ["no column 'id'"]


def test_a_new_column_that_is_ignored_stays_new(source: Make) -> None:
    present = _COLUMNS | {"age": "string"}
    ignoring, keeping = source("people", drift={"new": "ignore"}), source("people")

    ignored, _ = judge(ignoring, Tally(accepted=100), present, last=_LAST, force=False)
    kept, _ = judge(keeping, Tally(accepted=100), present, last=_LAST, force=False)

    assert (ignored.columns, ignored.drift.new) == (_COLUMNS, ("age",))
    assert kept.columns == present


def test_configured_columns_are_those_of_every_kind(source: Make) -> None:
    assert configured_columns(source("people", observed_at={"column": "at"})) == {"id", "name", "email", "at"}
    assert configured_columns(source("visits")) == {"id", "type", "at", "cookie", "email"}
    assert configured_columns(source("choices")) == {"contact", "purpose", "status", "at", "form"}
