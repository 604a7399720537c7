"""`match.yaml`: every mistake with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.config.broken import change, mistakes

from cdp_spark.config.checks.vocabulary import (
    RECORD_COLUMNS,
)
from cdp_spark.config.match import EntityMatch

METHODS = (
    "exact, jaro_winkler, levenshtein, name, company, date, email, phone, address, set_overlap, tokens, digits, "
    "generation, phonetic, number, days, geo, sql"
)


CHANGES: dict[str, tuple[str, str, str, list[str]]] = {
    "method": (
        "match.yaml",
        "method: email",
        "method: jaro",
        [
            f"match.yaml:5:29 person.comparisons.0.method: got 'jaro'; allowed: {METHODS}. "
            "Fix: choose one of these (did you mean 'jaro_winkler'?)"
        ],
    ),
    "no condition": (
        "match.yaml",
        "method: email, columns: email",
        "method: sql, columns: email, conditions: [email_l = mail_r]",
        [
            "match.yaml:5:63 person.comparisons.0.conditions.0: got Binder Error: Referenced column "
            '"mail_r" not found in FROM clause!; allowed: a condition over email_l, email_r'
        ],
    ),
    "no conditions": (
        "match.yaml",
        "method: email, columns: email",
        "method: sql, columns: email",
        ["match.yaml:5:7 person.comparisons.0.conditions: got sql without conditions. Fix: list them, the best first"],
    ),
    "conditions of another method": (
        "match.yaml",
        "method: email, columns: email",
        "method: email, columns: email, conditions: [email_l = email_r]",
        [
            "match.yaml:5:64 person.comparisons.0.conditions: got conditions for email. "
            "Fix: set method: sql, or leave them out"
        ],
    ),
    "unknown key": (
        "match.yaml",
        "  comparisons:",
        "  clusterin: {}\n  comparisons:",
        [
            "match.yaml:4:3 person.clusterin: got unknown key 'clusterin'; allowed: "
            f"{', '.join(EntityMatch.model_fields)}. Fix: choose one of these (did you mean 'clustering'?)"
        ],
    ),
    "empty list": (
        "match.yaml",
        "[email]}",
        "[]}",
        [
            "match.yaml:3:27 person.blocking.0.keys: got no keys; allowed: at least one key, or max_block_records, "
            "to compare every two of so many records"
        ],
    ),
    "unknown column of a record": (
        "match.yaml",
        "keys: [email]",
        "keys: [email, tear]",
        [
            "match.yaml:3:35 person.blocking.0.keys.1.column: got unknown column 'tear'; allowed: "
            f"{', '.join(RECORD_COLUMNS)}, tier. Fix: choose one of these (did you mean 'tier'?)",
            "match.yaml:3:5 person.blocking: got no rule of which some source fills every column; allowed: domain, "
            "email, emails, family_name, full_name, given_name, name_suffix, tier. "
            "Fix: block on columns that a source maps, or map more columns",
        ],
    ),
    "account key that nobody holds, of a source that is none of accounts": (
        "match.yaml",
        "columns: email}",
        "columns: email}\naccount_members: {keys: [{attribute: teir, source: crm}]}",
        [
            f"match.yaml:6:38 account_members.keys.0.attribute: got unknown attribute 'teir'; allowed: "
            f"{', '.join([*RECORD_COLUMNS, 'tier'])}. Fix: choose one of these (did you mean 'tier'?)",
            "match.yaml:6:52 account_members.keys.0.source: got unknown source of accounts 'crm'; "
            "allowed: none, as there is none. Fix: choose one of these",
        ],
    ),
    "account key of two kinds": (
        "match.yaml",
        "columns: email}",
        "columns: email}\naccount_members: {keys: [{attribute: tier, source: crm, identifier: customer_id}]}",
        [
            "match.yaml:6:26 account_members.keys.0: got `source` and `identifier`; allowed: one of both. "
            "Fix: name the source of accounts whose key it is, or the accounts' identifier"
        ],
    ),
    "relation trusted twice": (
        "match.yaml",
        "columns: email}",
        "columns: email}\naccount_members: {precedence: [key, domain, key]}",
        [
            "match.yaml:6:31 account_members.precedence: got 'key' twice; allowed: each once. Fix: remove one",
        ],
    ),
    "household of one": (
        "match.yaml",
        "columns: email}",
        "columns: email}\nhouseholds: {max_people: 1}",
        ["match.yaml:6:26 households.max_people: got 1; allowed: greater than or equal to 2"],
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_mistakes(project: Path, case: str) -> None:
    name, old, new, expected = CHANGES[case]
    change(project, name, old, new)
    assert mistakes(project) == expected
