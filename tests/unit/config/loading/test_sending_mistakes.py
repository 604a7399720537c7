"""Segments and destinations: every mistake with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.config.broken import change, mistakes

from cdp_spark.config.checks.vocabulary import (
    PROFILE_COLUMNS,
    RELATION_COLUMNS,
)
from cdp_spark.limits import SEGMENT_CHAIN

SENDABLE = f"{', '.join(PROFILE_COLUMNS)}, segments, attributes.tier, account.…, identifiers.…"


CHANGES: dict[str, tuple[str, str, str, list[str]]] = {
    "two kinds of condition": (
        "segments/gold.yaml",
        "{where:",
        "{segment: gold, where:",
        [
            "segments/gold.yaml:2:10 members: got where and segment; allowed: exactly one of where, segment, all, any, "
            "not, events, sequence, account, members, household, like. Fix: nest several under all or any"
        ],
    ),
    "segment on an unknown column": (
        "segments/gold.yaml",
        "attribute('tier') = 'gold'",
        "emial is not null",
        [
            f"segments/gold.yaml:2:18 members.where at 1:1: got unknown column 'emial'; allowed: "
            f"{', '.join([*PROFILE_COLUMNS, *RELATION_COLUMNS])}, account.…. Fix: choose one of these (did "
            "you mean 'email'?)"
        ],
    ),
    "segment on an unknown column of the account": (
        "segments/gold.yaml",
        "attribute('tier') = 'gold'",
        "account_employees > 5 and account.attributes.teir = 'gold'",
        [
            f"segments/gold.yaml:2:18 members.where at 1:{at}: got unknown column '{name}'; allowed: "
            f"{', '.join([*PROFILE_COLUMNS, *RELATION_COLUMNS])}, account.…. Fix: choose one of these (did you mean "
            f"'{near}'?)"
            for at, name, near in (
                (1, "account_employees", "account.employees"),
                (27, "account.attributes.teir", "account.attributes.tier"),
            )
        ],
    ),
    "segment on an unknown attribute": (
        "segments/gold.yaml",
        "attribute('tier')",
        "attribute('teir')",
        [
            "segments/gold.yaml:2:18 members.where at 1:11: got unknown attribute 'teir'; allowed: tier. "
            "Fix: choose one of these (did you mean 'tier'?)"
        ],
    ),
    "unknown segment": (
        "destinations.yaml",
        "segment: gold",
        "segment: golden",
        [
            "destinations.yaml:2:40 destinations.0.segment: got unknown segment 'golden'; allowed: gold. "
            "Fix: choose one of these (did you mean 'gold'?)"
        ],
    ),
    "unknown column of a profile": (
        "destinations.yaml",
        "[email]",
        "[e_mail]",
        [
            "destinations.yaml:2:67 destinations.0.columns.0: got unknown column 'e_mail'; allowed: "
            f"{SENDABLE}. Fix: choose one of these (did you mean 'email'?)"
        ],
    ),
    "unknown own attribute of a profile": (
        "destinations.yaml",
        "[email]",
        "[attributes.tier, attributes.teir]",
        [
            "destinations.yaml:2:84 destinations.0.columns.1: got unknown column 'attributes.teir'; allowed: "
            f"{SENDABLE}. Fix: choose one of these (did you mean 'attributes.tier'?)"
        ],
    ),
    "a column twice": (
        "destinations.yaml",
        "[email]",
        "[email, attributes.tier, email]",
        ["destinations.yaml:2:91 destinations.0.columns.2: got a second column 'email'. Fix: leave one of them out"],
    ),
    "unknown segment to exclude": (
        "destinations.yaml",
        "purpose:",
        "exclude: [gold, buyers], purpose:",
        [
            "destinations.yaml:2:85 destinations.0.exclude.0: got unknown segment of other persons 'gold'; allowed: "
            "none, as there is none. Fix: choose one of these",
            "destinations.yaml:2:91 destinations.0.exclude.1: got unknown segment 'buyers'; allowed: none, as there "
            "is none. Fix: choose one of these",
        ],
    ),
    "persons without purpose": (
        "destinations.yaml",
        "purpose: email_marketing",
        "purpose: none, contact_point: none",
        [
            "destinations.yaml:2:84 destinations.0.purpose: got no purpose for 'gold', a segment of persons; allowed: "
            "email_marketing, sms_marketing, profiling, ad_targeting. Fix: name the purpose that they consented to; "
            "`none` is for segments of accounts"
        ],
    ),
    "contact point without purpose": (
        "destinations.yaml",
        "purpose: email_marketing",
        "purpose: none",
        [
            "destinations.yaml:2:84 destinations.0.purpose: got contact_point email without a purpose; allowed: "
            "contact_point none. Fix: write `contact_point: none`, or name the purpose that the contact point "
            "consented to"
        ],
    ),
    "unknown purpose": (
        "destinations.yaml",
        "email_marketing",
        "marketing",
        [
            "destinations.yaml:2:84 destinations.0.purpose: got unknown purpose 'marketing'; allowed: email_marketing, "
            "sms_marketing, profiling, ad_targeting. Fix: choose one of these (did you mean 'sms_marketing'?)"
        ],
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_mistakes(project: Path, case: str) -> None:
    name, old, new, expected = CHANGES[case]
    change(project, name, old, new)
    assert mistakes(project) == expected


def test_segments_do_not_go_round_in_circles(project: Path) -> None:
    for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
        text = f"name: {name}\nmembers: {{all: [{{not: {{segment: {other}}}}}]}}\n"
        (project / "segments" / f"{name}.yaml").write_text(text)
    assert mistakes(project) == [
        "segments/a.yaml:2:10 members: got a cycle: a → b → c → a; allowed: references without cycle. "
        "Fix: drop one reference"
    ]


def test_a_segment_refers_to_one_that_exists_and_is_of_its_kind(project: Path) -> None:
    (project / "segments" / "firms.yaml").write_text("name: firms\nentity_type: account\nmembers: {segment: gold}\n")
    (project / "segments" / "more.yaml").write_text("name: more\nmembers: {segment: gld}\n")
    assert mistakes(project) == [
        "segments/firms.yaml:3:20 members.segment: got 'gold', a segment of persons; allowed: segments of accounts",
        "segments/more.yaml:2:20 members.segment: got unknown segment 'gld'; allowed: firms, gold. "
        "Fix: choose one of these (did you mean 'gold'?)",
    ]


def test_a_chain_of_references_that_is_too_long_to_plan_is_refused(project: Path) -> None:
    names = [f"s{number:03}" for number in range(SEGMENT_CHAIN + 3)]
    for name, other in zip(names, ["gold", *names], strict=False):
        (project / "segments" / f"{name}.yaml").write_text(f"name: {name}\nmembers: {{segment: {other}}}\n")
    assert mistakes(project) == [
        "segments/s100.yaml:2:10 members: got a chain of more than 100 references; allowed: 100 references in a row. "
        "Fix: write the conditions of the inner segments in one"
    ]
