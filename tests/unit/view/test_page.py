"""A view as a page and on a terminal: everything escaped, nothing fetched, 80 columns."""

from __future__ import annotations

import json
import re
import stat
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from markupsafe import escape

from cdp_spark.cli.display.profile import print_view
from cdp_spark.view.gather import Gatherer
from cdp_spark.view.model import Attribute, Event, Identity, ProfileView, Section, SourceRecord
from cdp_spark.view.page import render_view, write_view

DAY = datetime(2026, 1, 10, 12, 30, tzinfo=UTC)
HOSTILE = "</script><script>alert(1)</script>"
VIEW = ProfileView(
    unified_id="a-1",
    entity_type="person",
    name=HOSTILE,
    release=3,
    as_of=DAY,
    merged_from="a-0",
    attributes=(Attribute("family_name", HOSTILE, "crm:K1", "most_recent"),),
    identity=Identity(2, 1, "weakest link: crm:K1 and crm:K2, probability 99.1% (+6.8 bits)"),
    records=(
        SourceRecord("crm:K1", {"family_name": HOSTILE, "city": "Leeds"}, ("family_name",)),
        SourceRecord("crm:K2", {"family_name": "Reed", "city": None}),
    ),
    sections=(Section("segments", "Segments", ({"segment": HOSTILE, "since": DAY},), 1), Section("offers", "Offers")),
    timeline=(
        Event("e2", DAY, "view", "web", HOSTILE, HOSTILE),
        Event("e1", DAY - timedelta(days=1), "sale", "till", "12.00", "Bob"),
    ),
)


def test_what_people_wrote_is_text_on_the_page_and_never_runs() -> None:
    page = render_view(VIEW)
    assert HOSTILE not in page
    assert page.count("<script") == 2
    assert page.count("&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;") == 5


def test_the_page_lets_only_its_own_script_and_style_act_and_names_no_other_place() -> None:
    page = render_view(VIEW)
    sources = {
        name: f"{name}-src 'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
        for name in ("style", "script")
        for text in re.findall(f"<{name}>(.*?)</{name}>", page, re.DOTALL)
    }
    policy = f"default-src 'none'; {sources['style']}; {sources['script']}; base-uri 'none'; form-action 'none'"
    assert f'content="{escape(policy)}"' in page
    assert re.findall(r"https?:|\bsrc=|@import|url\(", page) == []


def test_the_events_stand_in_the_page_as_they_are() -> None:
    [data] = re.findall('<script id="data" type="application/json">(.*?)</script>', render_view(VIEW), re.DOTALL)
    milliseconds = int(DAY.timestamp() * 1000)
    assert json.loads(data) == {
        "types": ["sale", "view"],
        "sources": ["till", "web"],
        "people": [HOSTILE, "Bob"],
        "events": [[milliseconds, 1, 1, HOSTILE, 0], [milliseconds - 86_400_000, 0, 0, "12.00", 1]],
    }


def test_a_page_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("old")
    page.chmod(0o644)
    write_view(VIEW, page)
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert page.read_text(encoding="utf-8") == render_view(VIEW)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Standard output is a terminal that knows no colours, as wide as a test asks."""
    for name, value in {"FORCE_COLOR": "1", "TERM": "dumb", "COLUMNS": str(request.param), "LINES": "50"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("terminal", [160], indirect=True)
def test_a_terminal_shows_records_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    print_view(replace(VIEW, name="Ada Reed", attributes=(), timeline=VIEW.timeline[1:]), events=10)
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "",
        "Ada Reed, person a-1",
        "a-0 was merged into it",
        "release 3: 2 records, 1 visitor; weakest link: crm:K1 and crm:K2, probability 99.1% (+6.8 bits)",
        "",
        "records; the profile has the values with a *",
        "             crm:K1                                crm:K2",
        f"family name  {HOSTILE} *  Reed",
        "city         Leeds",
        "",
        "Segments",
        "segment                             since",
        f"{HOSTILE}  2026-01-10 12:30:00",
        "",
        "none: offers",
        "",
        "last events (1 of 1)",
        "time (UTC)        event  who  source  about",
        "2026-01-09 12:30  sale   Bob  till    12.00",
    ]


def test_a_terminal_shows_the_first_rows_of_a_long_part(capsys: pytest.CaptureFixture[str]) -> None:
    section = Section("sessions", "Sessions", tuple({"visit": f"no {number}"} for number in range(50)), 60)
    print_view(replace(VIEW, records=(), attributes=(), sections=(section,), timeline=()), events=10)
    out = capsys.readouterr().out
    assert "Sessions (12 of 60)" in out
    assert ("no 11\n" in out, "no 12\n" in out) == (True, False)


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("terminal", [80], indirect=True)
def test_a_terminal_of_80_columns_is_wide_enough(gatherer: Gatherer, capsys: pytest.CaptureFixture[str]) -> None:
    records = tuple(SourceRecord(f"marketing:{number:020}", {"email": "a" * 40}) for number in range(5))
    [view] = gatherer.find("crm:K1")
    print_view(replace(view, records=records), events=10)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.count("marketing:") for line in lines if "marketing:" in line] == [3, 2]
