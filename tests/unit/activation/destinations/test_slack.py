from __future__ import annotations

import json
import re
from typing import Any

import pytest
from pydantic import ValidationError
from tests.unit.activation.receiver import receiver

from cdp_spark.activation.destinations.interface import Fate, Row
from cdp_spark.activation.destinations.slack import SlackSender
from cdp_spark.config.destination import SlackDestination, SlackRoute
from cdp_spark.config.sending import SentColumn

ROWS = [
    Row("a", "add", "1", {"given_name": "<!channel> & Jo", "emails": ["a@x.org", "b@x.org"]}),
    Row("b", "remove", "2"),
    Row("c", "add", "3", {"given_name": None, "emails": []}),
]


def sender(url: str, *, columns: tuple[str, ...] = ("given_name", "emails"), **values: Any) -> SlackSender:
    settings = {"template": "{action} {given_name}: {emails} ({segment}, {unified_id})", **values}
    destination = SlackDestination(
        name="sales",
        kind="slack",
        segment="gold",
        purpose="mail",
        url="${SLACK}",
        private_addresses=True,
        columns=tuple(SentColumn(of=name) for name in columns),
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


def test_a_row_goes_to_its_owner_and_any_other_to_the_default() -> None:
    rows = [
        Row("a", "add", "1", {"owner": "Ann@Vendor.example", "emails": []}),
        Row("b", "add", "2", {"owner": "bob", "emails": []}),
        Row("c", "add", "3", {"owner": "team", "emails": []}),
        Row("d", "add", "4", {"owner": "nobody known", "emails": []}),
        Row("e", "remove", "5"),
    ]
    with receiver() as own, receiver() as anns:
        slack = sender(
            own.url,
            columns=("owner", "emails"),
            template="{action} {unified_id}",
            route_by="owner",
            routes={
                "ann@vendor.example": SlackRoute(url="${ANN}"),
                "Bob": SlackRoute(mention="U024BE7LH"),
                "team": SlackRoute(mention="S024BE7LH"),
            },
        )
        routes = {**slack.destination.routes, "ann@vendor.example": SlackRoute.model_construct(url=anns.url)}
        slack = SlackSender.of(slack.destination.model_copy(update={"routes": routes}))
        assert [slack.send([row]) for row in rows] == [[Fate("acknowledged")]] * 5
        assert slack.send([Row("a", "erase", "-")]) == [Fate("acknowledged")]
    erased = {"text": "Erased from gold: a. Delete messages that name them."}
    assert anns.requests == [{"text": "add a"}, erased]
    assert own.requests == [
        {"text": "<@U024BE7LH> add b"},
        {"text": "<!subteam^S024BE7LH> add c"},
        {"text": "add d"},
        {"text": "remove e"},
        erased,
    ]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"route_by": "given_name"}, "route_by without `routes`"),
        ({"route_by": "owner", "routes": {"ann": {"mention": "U024BE7LH"}}}, "'owner'"),
        ({"route_by": "emails", "routes": {"ann": {}}}, "neither `url` nor `mention`"),
        ({"route_by": "emails", "routes": {"ann": {"url": "https://x"}}}, "a URL in clear"),
        ({"route_by": "emails", "per": "change", "routes": {"ann": {"url": "${X}"}}}, "route_by beside `per: change`"),
    ],
)
def test_routes_that_cannot_work_are_refused(settings: dict[str, Any], told: str) -> None:
    given = {"name": "sales", "kind": "slack", "segment": "gold", "purpose": "mail", "url": "${SLACK}", "template": "x"}
    text = json.dumps({**given, "columns": ["given_name", "emails"], **settings})
    with pytest.raises(ValidationError, match=re.escape(told)):
        SlackDestination.model_validate_json(text)
