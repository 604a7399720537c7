"""The section `identifiers` of match.yaml."""

from __future__ import annotations

import json
import re

import pytest
from pydantic import ValidationError

from cdp_spark.config.identifiers import IdentifierRules, IdentifiersConfig, OwnIdentifier
from cdp_spark.normalise.identifiers import IdentifierForm


def read(**rules: object) -> IdentifiersConfig:
    return IdentifiersConfig.model_validate_json(json.dumps(rules))


def test_what_a_rule_does_not_say_is_as_by_default() -> None:
    rules = read(cookie_id={"max_people": 2, "blocked": "opt-out*"}, user_id={"unique_per_person": False})
    assert (rules.cookie_id.max_people, rules.cookie_id.window_days) == (2, 180)
    user = rules.user_id
    assert (user.links, user.unique_per_person, rules.device_id) == (True, False, IdentifiersConfig().device_id)
    assert IdentifierRules.of(rules, {}).blocked == {"cookie_id": ("opt-out*",)}
    assert rules.model_validate(rules.model_dump()) == rules


def test_the_defaults_trust_log_ins_most_and_cookies_least() -> None:
    rules = IdentifierRules.of(IdentifiersConfig(), {})
    names = list(rules.rules)
    assert (names[0], names[-2:]) == ("user_id", ["device_id", "cookie_id"])
    assert (rules.linking, rules.unique) == (["user_id", "loyalty_id"], ["user_id"])
    assert rules.max_records == {"user_id": 50, "loyalty_id": 50}
    assert {rule.max_people for rule in rules.rules.values()} == {1}


def test_the_order_is_that_of_the_priorities() -> None:
    assert next(iter(read(cookie_id={"priority": 1}).rules)) == "cookie_id"


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"cookie_id": {"links": True}}, "links: true"),
        ({"device_id": {"unique_per_person": True, "max_per_person": None}}, "unique_per_person: true"),
        ({"user_id": {"max_per_person": 3}}, "`unique_per_person` with max_per_person 3"),
        ({"cookie_id": {"max_people": 0}}, "greater than or equal to 1"),
        ({"cookie": {}}, "Extra inputs"),
    ],
)
def test_what_cannot_be_meant_is_refused(rules: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        read(**rules)


def test_an_own_type_stands_among_the_others_in_order_of_its_priority() -> None:
    own = OwnIdentifier.model_validate_json('{"links": true, "format": "[A-Z]{2}[0-9]{6}", "normalise": "upper"}')
    rules = IdentifierRules.of(IdentifiersConfig(), {"membership_no": own})
    assert [*rules.rules][:5] == ["user_id", "customer_id", "loyalty_id", "membership_no", "email_sha256"]
    assert (rules.linking, rules.unique) == (["user_id", "loyalty_id", "membership_no"], ["user_id"])
    assert rules.forms["membership_no"] == IdentifierForm(("upper",), "[A-Z]{2}[0-9]{6}")
    assert rules.forms["loyalty_id"] == IdentifierForm(("no_separators", "upper"))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"format": "[A-"}, "no regular expression"),
        ({"normalise": "capitals"}, "'upper', 'lower', 'no_separators' or 'digits'"),
        ({"unique_per_person": True, "max_per_person": 2}, "`unique_per_person` with max_per_person 2"),
    ],
)
def test_an_own_type_that_cannot_work_is_refused(said: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        OwnIdentifier.model_validate_json(json.dumps(said))
