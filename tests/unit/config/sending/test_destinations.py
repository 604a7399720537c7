"""Destinations in destinations.yaml: what goes there and when, and each mistake with its full message."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdp_spark.config.load import load_project
from cdp_spark.config.sending import QuietHours, SentColumn
from cdp_spark.errors import InvalidProjectError

INSIGHTS = """\
traits: [{name: spend, of: sum, value_of: value, events: [purchase]}]
scores: [{name: churn, outcome: {event_types: purchase, within_days: 30, happens: false}}]
offers: {offers_per_person: 2}
"""
COMMON = "name: letter, kind: csv, path: out, purpose: email_marketing"
HOOK = "name: letter, kind: webhook, url: https://x.org/h, secret: '${SECRET}', purpose: email_marketing"
ENV = {"SECRET": "whsec_c2VjcmV0IG9mIHRoZSByZWNlaXZlcg=="}


@pytest.fixture
def shop(project: Path) -> Path:
    (project / "insights.yaml").write_text(INSIGHTS)
    (project / "segments/buyers.yaml").write_text("name: buyers\nmembers: {where: email is not null}\n")
    for kind in ("account", "visitor"):
        text = f"name: {kind}s\nentity_type: {kind}\nmembers: {{where: first_seen_at_utc is not null}}\n"
        (project / f"segments/{kind}s.yaml").write_text(text)
    return project


def write(shop: Path, destination: str, more: str = "") -> None:
    (shop / "destinations.yaml").write_text(f"destinations:\n  - {{{destination}}}\n{more}")


def mistakes(shop: Path) -> list[str]:
    with pytest.raises(InvalidProjectError) as caught:
        load_project(shop, env=ENV)
    return [str(error).split(" ", 1)[1] for error in caught.value.errors]


def test_columns_may_be_renamed_templated_and_of_other_tables(shop: Path) -> None:
    columns = (
        "email, attributes.tier, trait.spend, score.churn.tier, {name: risk, of: score.churn}, offer.1.product_id, "
        "account.industry, account.attributes.tier, {name: greeting, template: 'Dear {given_name|customer}, {city}'}"
    )
    write(shop, f"{COMMON}, segments: [gold, buyers], columns: [{columns}]")
    (found,) = load_project(shop).destinations.destinations
    assert [it.written for it in found.sent_columns] == [
        *("email", "tier", "spend", "score_churn_tier", "risk", "offer_1_product_id"),
        *("account_industry", "account_attributes_tier", "greeting", "segments"),
    ]
    assert found.columns[-1].read == ("given_name", "city")
    assert (found.included, found.label) == (("gold", "buyers"), "gold, buyers")


def test_a_destination_of_one_segment_has_no_column_of_segments(shop: Path) -> None:
    write(shop, f"{COMMON}, segment: gold, columns: [email]")
    assert load_project(shop).destinations.destinations[0].sent_columns == (SentColumn(of="email"),)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (
            "segment: gold, columns: [{name: x, template: '{given_nam} {city}'}]",
            "destinations.0.columns.0.template: got unknown column 'given_nam'; allowed: (columns). "
            "Fix: choose one of these (did you mean 'given_name'?)",
        ),
        (
            "segment: gold, columns: [trait.spent, {name: x, of: score.chrun}]",
            "destinations.0.columns.0: got unknown column 'trait.spent'; allowed: (columns). "
            "Fix: choose one of these (did you mean 'trait.spend'?)|"
            "destinations.0.columns.1.of: got unknown column 'score.chrun'; allowed: (columns). "
            "Fix: choose one of these (did you mean 'score.churn'?)",
        ),
        (
            "segment: gold, columns: [offer.3.product_id]",
            "destinations.0.columns.0: got unknown column 'offer.3.product_id'; allowed: (columns). "
            "Fix: choose one of these (did you mean 'offer.2.product_id'?)",
        ),
        (
            "segment: gold, columns: [email, {name: email, of: city}]",
            "destinations.0.columns.1: got a second column 'email'. Fix: leave one of them out",
        ),
        (
            "segment: gold, columns: [{of: email, template: 'x', name: y}]",
            "destinations.0.columns.0: got `of` and `template`; allowed: one of both. "
            "Fix: write the column that is sent, or a text with columns",
        ),
        (
            "segment: gold, columns: [{template: 'Dear {email}'}]",
            "destinations.0.columns.0.template: got a template without a name. Fix: add the key `name`",
        ),
        (
            "segment: gold, columns: ['']",
            "destinations.0.columns.0: got unknown column ''; allowed: (columns). Fix: choose one of these",
        ),
        ("segment: gold, columns: []", "destinations.0.columns: got 0 entries; allowed: at least 1"),
        (
            "segment: gold, segments: [buyers], columns: [email]",
            "destinations.0: got `segment` and `segments`; allowed: one of both. "
            "Fix: write all segments under `segments`",
        ),
        (
            "columns: [email]",
            "destinations.0: got neither `segment` nor `segments`; allowed: one of both. "
            "Fix: write all segments under `segments`",
        ),
        (
            "segments: [gold, accounts], columns: [email]",
            "destinations.0.segments.1: got unknown segment of persons 'accounts'; allowed: buyers, gold. "
            "Fix: choose one of these",
        ),
        (
            "segments: [gold], exclude: [visitors], columns: [email]",
            "destinations.0.exclude.0: got unknown segment of other persons 'visitors'; allowed: buyers. "
            "Fix: choose one of these",
        ),
        (
            "segment: visitors, columns: [identifiers.cookie_id]",
            "destinations.0.contact_point: got contact_point email for a segment of visitors; "
            "allowed: cookie_id, device_id, none. Fix: choose one of these",
        ),
        (
            "segment: gold, columns: [email], contact_point: cookie_id",
            "destinations.0.contact_point: got contact_point cookie_id for a segment of persons; "
            "allowed: email, phone, none. Fix: choose one of these",
        ),
        (
            "segment: gold, columns: [email], min_members: 10, max_members: 9",
            "destinations.0.max_members: got max_members 9 below min_members 10. Fix: swap them",
        ),
        (
            "segment: gold, columns: [email], role: exclude",
            "destinations.0.role: got role exclude for csv; allowed: google_customer_match, meta_audience. "
            "Fix: remove `role`",
        ),
        (
            "segment: gold, columns: [email], channel: email",
            "destinations.0.channel: got channel for csv; allowed: mode diff, which keeps who was sent what. "
            "Fix: remove `channel`",
        ),
        (
            "segment: gold, columns: [email], mode: diff, file_name: a.csv",
            "destinations.0.file_name: got file_name for csv; allowed: mode full. Fix: remove `file_name`",
        ),
        (
            "segment: gold, columns: [email], file_name: ../a.csv",
            "destinations.0.file_name: got '../a.csv'; allowed: text like ^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\\.csv$",
        ),
    ],
)
def test_mistakes(shop: Path, keys: str, expected: str) -> None:
    write(shop, f"{COMMON}, {keys}")
    columns = load_columns(shop)
    assert [it.replace(columns, "(columns)") for it in mistakes(shop)] == expected.split("|")


def load_columns(shop: Path) -> str:
    """The columns that an error lists."""
    text = (shop / "destinations.yaml").read_text()
    write(shop, f"{COMMON}, segment: gold, columns: [no_such_column]")
    (error,) = mistakes(shop)
    (shop / "destinations.yaml").write_text(text)
    return error.split("allowed: ")[1].split(". Fix")[0]


def test_an_error_names_the_columns_and_the_kinds_of_others(shop: Path) -> None:
    write(shop, f"{COMMON}, segment: gold, columns: [shoe_size]")
    assert load_columns(shop).endswith(
        "consents, segments, attributes.tier, trait.…, score.…, offer.…, account.…, identifiers.…"
    )


def test_caps_and_quiet_hours_are_of_channels_that_destinations_have(shop: Path) -> None:
    write(
        shop,
        f"{HOOK}, segment: gold, columns: [email], channel: email, priority: 5",
        "caps: {email: {at_most: 3, within_days: 7}}\n"
        "quiet_hours: {email: {start: 21, end: 8, zone_attribute: tier}}\n",
    )
    found = load_project(shop, env=ENV).destinations
    assert (found.caps["email"].at_most, found.quiet_hours["email"].zone_attribute) == (3, "tier")
    write(
        shop,
        f"{HOOK}, segment: gold, columns: [email], channel: email",
        "caps: {emial: {at_most: 3, within_days: 7}}\nquiet_hours: {email: {start: 8, end: 8, zone_attribute: tear}}\n",
    )
    assert mistakes(shop) == [
        "quiet_hours.email.end: got quiet hours that never end. Fix: let them end at another hour"
    ]
    write(
        shop,
        f"{HOOK}, segment: gold, columns: [email], channel: email",
        "caps: {emial: {at_most: 3, within_days: 7}}\nquiet_hours: {email: {start: 8, end: 9, zone_attribute: tear}}\n",
    )
    assert mistakes(shop) == [
        "caps.emial: got unknown channel 'emial'; allowed: email. Fix: choose one of these (did you mean 'email'?)",
        "quiet_hours.email.zone_attribute: got unknown attribute 'tear'; allowed: tier. "
        "Fix: choose one of these (did you mean 'tier'?)",
    ]


def test_quiet_hours_may_span_midnight() -> None:
    night, siesta = QuietHours(start=21, end=8), QuietHours(start=13, end=15)
    assert [hour for hour in range(24) if night.holds(hour)] == [0, 1, 2, 3, 4, 5, 6, 7, 21, 22, 23]
    assert [hour for hour in range(24) if siesta.holds(hour)] == [13, 14]
