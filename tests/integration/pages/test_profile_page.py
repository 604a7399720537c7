"""The page of `cdp profile show --html` in a browser: 50,000 events, search, dark, a phone; and it asks for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.pages.chromium import Browser, open_browser

from cdp_spark.view.model import Attribute, Event, Identity, ProfileView, Section, SourceRecord
from cdp_spark.view.page import write_view

pytestmark = pytest.mark.chromium

NEWEST = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)
EVENTS = 50_000
HOSTILE = "<img src=https://evil.example/x onerror='window.ran = 1'>"


def event(number: int) -> Event:
    kind = "purchase" if number % 1000 == 7 else "page_view"
    details = f"order {number} {HOSTILE}" if kind == "purchase" else f"/page/{number} " + "x" * 60
    return Event(f"e{number}", NEWEST - timedelta(minutes=number), kind, "web", details)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("page")
    names = [f"marketing:{number:020}" for number in range(6)]
    view = ProfileView(
        unified_id="2bf08c39-3029-5ba9-82b2-05a8dec3c6fc",
        entity_type="person",
        name=HOSTILE,
        release=3,
        as_of=NEWEST,
        attributes=(Attribute("email", "a" * 60 + "@example.org", names[0], "most_recent"),),
        identity=Identity(6, 0, "certain"),
        records=tuple(SourceRecord(it, {"email": "a" * 60 + "@example.org"}) for it in names),
        sections=(Section("segments", "Segments", ({"segment": HOSTILE, "since": NEWEST},), 1),),
        timeline=tuple(event(number) for number in range(EVENTS)),
    )
    write_view(view, folder / "page.html")
    with open_browser(folder / "profile") as opened:
        opened.open(folder / "page.html")
        yield opened


def search(browser: Browser, words: str, kind: str = "") -> tuple[str, int]:
    """Type into the search and choose a type; what the page says it found, and how many rows it made."""
    browser.evaluate(f"""
        document.getElementById("words").value = {words!r};
        document.getElementById("type").value = {kind!r};
        document.getElementById("words").dispatchEvent(new Event("input"))
    """)
    said = browser.evaluate('document.getElementById("found").textContent')
    return said, browser.evaluate('document.querySelectorAll("#events li:not(.day)").length')


def test_the_page_asks_for_nothing_and_what_people_wrote_does_not_run(browser: Browser) -> None:
    asked = [it["request"]["url"].partition(":")[0] for it in browser.happened("Network.requestWillBeSent")]
    assert asked == ["file"]
    assert browser.happened("Runtime.exceptionThrown") == browser.happened("Log.entryAdded") == []
    assert browser.evaluate("[window.ran, document.images.length, document.querySelector('h1').textContent]") == [
        None,
        0,
        HOSTILE,
    ]


def test_what_gets_into_the_page_all_the_same_is_stopped_by_its_policy(browser: Browser) -> None:
    blocked = browser.evaluate(
        """new Promise((resolve) => {
        const blocked = new Set();
        document.addEventListener("securitypolicyviolation", (event) => {
            blocked.add(event.effectiveDirective);
            if (blocked.size === 3) resolve([...blocked].sort());
        });
        const script = document.createElement("script");
        script.textContent = "window.ran = 2";
        document.body.append(script);
        document.body.insertAdjacentHTML("beforeend", HOSTILE);
    })""".replace("HOSTILE", f"`{HOSTILE}`")
    )
    assert blocked == ["img-src", "script-src-attr", "script-src-elem"]
    assert browser.evaluate("document.images[0].remove() || window.ran || 0") == 0


def test_a_timeline_of_50_000_events_is_searched_and_made_as_one_scrolls(browser: Browser) -> None:
    assert search(browser, "") == ("50,000 events", 100)
    assert search(browser, "", kind="1") == ("50 of 50,000 events", 50)
    assert search(browser, "PAGE/49999") == ("1 of 50,000 events", 1)
    assert search(browser, "purchase order 18007") == ("1 of 50,000 events", 1)
    day = NEWEST - timedelta(days=3)
    assert search(browser, f"{day:%Y-%m-%d}") == ("1,440 of 50,000 events", 100)
    browser.evaluate('document.getElementById("more").click()')
    assert browser.evaluate('document.querySelectorAll("#events li:not(.day)").length') == 200
    assert browser.evaluate('document.querySelectorAll("#events li.day").length') == 1
    assert search(browser, "nothing like it") == ("0 of 50,000 events", 0)


@pytest.mark.parametrize("width", [380, 1280])
def test_a_phone_and_a_screen_are_wide_enough(browser: Browser, width: int) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.call("Emulation.setDeviceMetricsOverride", **size)
    search(browser, "")
    assert browser.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert browser.evaluate("window.innerWidth") == width
    columns = browser.evaluate("getComputedStyle(document.querySelector('main')).gridTemplateColumns.split(' ').length")
    assert columns == (1 if width == 380 else 2)


def test_the_page_is_light_or_dark_as_its_reader_likes(browser: Browser) -> None:
    backgrounds = []
    for scheme in ("light", "dark"):
        browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        backgrounds.append(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert backgrounds == ["rgb(255, 255, 255)", "rgb(20, 25, 29)"]
