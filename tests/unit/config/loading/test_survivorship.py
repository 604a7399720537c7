"""`survivorship.yaml`: every mistake with its place."""

from __future__ import annotations

from pathlib import Path

from tests.unit.config.broken import mistakes

from cdp_spark.config.checks.vocabulary import (
    SURVIVING_ATTRIBUTES,
)


def test_survivorship_names_attributes_and_sources(project: Path) -> None:
    (project / "survivorship.yaml").write_text(
        "attributes:\n  attributes.tier: {by: [first]}\n  emial: {by: [source_priority], sources: [crn]}\n"
        "groups: {name: [given_name, famly_name]}\n"
    )
    allowed = ", ".join([*SURVIVING_ATTRIBUTES, "attributes.tier"])
    assert mistakes(project) == [
        f"survivorship.yaml:3:10 attributes.emial: got unknown attribute 'emial'; allowed: {allowed}. "
        "Fix: choose one of these (did you mean 'email'?)",
        f"survivorship.yaml:4:29 groups.name.1: got unknown attribute 'famly_name'; allowed: {allowed}. "
        "Fix: choose one of these (did you mean 'family_name'?)",
        "survivorship.yaml:3:44 attributes.emial.sources.0: got unknown source 'crn'; allowed: crm. "
        "Fix: choose one of these (did you mean 'crm'?)",
    ]


def test_rules_that_cannot_work_are_found_before_a_run(project: Path) -> None:
    (project / "survivorship.yaml").write_text(
        "default: {by: [sum]}\n"
        "attributes:\n"
        "  birth_date: {by: [sum]}\n"
        "  email: {by: [collect, first]}\n"
        "  attributes.tier: {by: [sum]}\n"
        "groups: {name: [given_name, attributes.tier], other: [given_name, attributes.teir]}\n"
        "overrides: [{unified_id: u, attribute: birth_date, value: '31.12.1984', author: a, reason: r}]\n"
    )
    found = mistakes(project)
    places = [
        "survivorship.yaml:1:15 default.by: got 'sum'. ",
        "survivorship.yaml:3:20 attributes.birth_date.by: got 'sum' of a date; ",
        "survivorship.yaml:4:15 attributes.email.by: got 'collect' beside other kinds. ",
        "survivorship.yaml:6:29 groups.name.1: got 'attributes.tier', which is a 'sum'. ",
        "survivorship.yaml:6:55 groups.other.0: got 'given_name', which is in group 'name' too. ",
        "survivorship.yaml:6:67 groups.other.1: got unknown attribute 'attributes.teir'; ",
        "survivorship.yaml:7:59 overrides.0.value: got a value of another type; allowed: date. ",
    ]
    assert len(found) == len(places)
    assert all(text.startswith(place) for text, place in zip(found, places, strict=True)), found
    assert "31.12.1984" not in "".join(found)


def test_a_steward_s_value_is_never_shown(project: Path) -> None:
    (project / "survivorship.yaml").write_text(
        "overrides: [{unified_id: u, attribute: email, value: 19840312, author: a, reason: r}]\n"
    )
    assert mistakes(project) == [
        "survivorship.yaml:1:54 overrides.0.value: got a value that is not shown; allowed: text. Fix: put it in quotes"
    ]
