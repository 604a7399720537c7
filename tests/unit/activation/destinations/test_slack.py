from __future__ import annotations

from typing import Any

from tests.unit.activation.receiver import receiver

from cdp_spark.activation.destinations.interface import Fate, Row
from cdp_spark.activation.destinations.slack import SlackSender
from cdp_spark.config.destination import SlackDestination
from cdp_spark.config.sending import SentColumn

ROWS = [
    Row("a", "add", "1", {"given_name": "<!channel> & Jo", "emails": ["a@x.org", "b@x.org"]}),
    Row("b", "remove", "2"),
    Row("c", "add", "3", {"given_name": None, "emails": []}),
]


def sender(url: str, **values: Any) -> SlackSender:
    settings = {"template": "{action} {given_name}: {emails} ({segment}, {unified_id})", **values}
    destination = SlackDestination(
        name="sales",
        kind="slack",
        segment="gold",
        columns=(SentColumn(of="given_name"), SentColumn(of="emails")),
        purpose="mail",
        url="${SLACK}",
        private_addresses=True,
        **settings,
    )
    return SlackSender.of(destination.model_copy(update={"url": url}))


def test_a_message_for_each_row_holds_its_values_as_text() -> None:
    with receiver() as state:
        slack = sender(state.url)
        assert slack.batch_rows == 1
        assert [slack.send([row]) for row in ROWS] == [[Fate("acknowledged")]] * 3
    assert state.requests == [
        {"text": "add &lt;!channel&gt; &amp; Jo: a@x.org, b@x.org (gold, a)"},
        {"text": "remove :  (gold, b)"},
        {"text": "add :  (gold, c)"},
    ]


def test_one_message_tells_all_changes() -> None:
    slack = sender("https://x", per="change", template="{segment}: {added} in, {removed} out")
    assert slack.text(ROWS) == "gold: 2 in, 1 out"


def test_erased_people_are_named_by_their_ids() -> None:
    rows = [Row(f"id{number}", "erase", "-") for number in range(52)]
    text = sender("https://x").text(rows)
    assert text.startswith("Erased from gold: id0, id1, ")
    assert text.endswith(" id49 and 2 more. Delete messages that name them.")
