"""Loading a project: what is accepted, and every mistake with its full message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cdp_spark.config.checks.vocabulary import (
    PROFILE_COLUMNS,
    RECORD_COLUMNS,
    RELATION_COLUMNS,
    SURVIVING_ATTRIBUTES,
)
from cdp_spark.config.load import config_hash, load_match, load_project, load_section
from cdp_spark.config.match import EntityMatch
from cdp_spark.config.project import ProjectSettings
from cdp_spark.config.sending import SentColumn
from cdp_spark.errors import InvalidProjectError
from cdp_spark.limits import SEGMENT_CHAIN

SENDABLE = f"{', '.join(PROFILE_COLUMNS)}, segments, attributes.tier, account.…, identifiers.…"
METHODS = (
    "exact, jaro_winkler, levenshtein, name, company, date, email, phone, address, set_overlap, tokens, digits, "
    "generation, phonetic, number, days, geo, sql"
)


def mistakes(folder: Path, env: dict[str, str] | None = None) -> list[str]:
    """Messages with the folder cut off."""
    with pytest.raises(InvalidProjectError) as caught:
        load_project(folder, env=env or {})
    return [str(error).replace(f"{folder}/", "") for error in caught.value.errors]


def change(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_good_project(project: Path) -> None:
    loaded = load_project(project, env={})
    (source,) = loaded.sources
    assert (loaded.settings.name, source.key, source.columns["email"].from_) == ("shop", ("id",), ("work", "home"))
    assert loaded.segments[0].members.where == "attribute('tier') = 'gold'"
    assert loaded.destinations.destinations[0].columns == (SentColumn(of="email"),)
    assert len(loaded.config_hash) == 64


def test_a_source_takes_the_share_of_rejected_rows_that_the_project_states(project: Path) -> None:
    def share() -> float:
        return load_project(project).sources[0].max_rejected_share

    assert share() == 0.05
    settings = project / "project.yaml"
    settings.write_text(settings.read_text() + "\ngates: {max_id_churn: 0.5}\n")
    assert share() == 0.05
    change(project, "project.yaml", "gates: {", "gates: {max_rejected_share: 0.9, ")
    assert share() == 0.9
    change(project, "sources/crm.yaml", "key: id", "key: id\nmax_rejected_share: 0.01")
    assert share() == 0.01


def test_own_identifiers_are_named_by_sources_segments_and_destinations(project: Path) -> None:
    change(project, "project.yaml", "name: shop", "name: shop\nidentifiers: {membership_no: {links: true}}")
    change(project, "sources/crm.yaml", "key: id", "key: id\nidentifiers: {membership_no: mnr}")
    change(project, "segments/gold.yaml", "attribute('tier')", "attribute('membership_no')")
    change(project, "destinations.yaml", "columns: [email]", "columns: [email, identifiers.membership_no]")
    assert load_project(project, env={}).identifiers.linking == ["user_id", "loyalty_id", "membership_no"]


def test_types_of_identifiers_that_nobody_defined_or_has_are_told(project: Path) -> None:
    own = "{membership_no: {}, email: {}, tier: {}, city: {}}"
    change(project, "project.yaml", "name: shop", f"name: shop\nidentifiers: {own}")
    change(project, "sources/crm.yaml", "key: id", "key: id\nidentifiers: {member_no: mnr}")
    allowed = (
        "user_id, device_id, cookie_id, loyalty_id, customer_id, email, phone, email_sha256, membership_no, email, "
        "tier, city"
    )
    assert [it.split(" ", 1)[1] for it in mistakes(project)] == [
        f"identifiers.member_no: got 'member_no'; allowed: {allowed}. Fix: choose one of these (did you mean "
        "'membership_no'?), or define it under `identifiers` in project.yaml",
        "identifiers.membership_no: got a type that no source has. "
        "Fix: write `identifiers: {membership_no: COLUMN}` in a source, or remove it",
        "identifiers.email: got a type that every project has. Fix: set its rule in match.yaml, `identifiers.email`",
        "identifiers.tier: got an attribute of the source crm. Fix: give one of the two another name",
        "identifiers.city: got the name of an attribute. Fix: give it another name",
    ]


def test_optional_files_may_be_absent(project: Path) -> None:
    (project / "destinations.yaml").unlink()
    (project / "segments" / "gold.yaml").unlink()
    assert load_project(project, env={}).segments == ()


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
    "missing key": (
        "project.yaml",
        "name: shop\n",
        "",
        ["project.yaml:1:1 name: got nothing. Fix: add the key `name`"],
    ),
    "bad name": (
        "project.yaml",
        "name: shop",
        "name: ../shop",
        [
            "project.yaml:1:7 name: got '../shop'; allowed: a lower-case letter, then lower-case letters, digits and "
            "_, 63 characters at most"
        ],
    ),
    "number for text": (
        "sources/crm.yaml",
        "path: crm.csv",
        "path: 12",
        ["sources/crm.yaml:4:7 path: got 12; allowed: text. Fix: put it in quotes"],
    ),
    "yes for true": (
        "sources/crm.yaml",
        "key: id",
        "key: id\nduplicate_free: yes",
        [
            "sources/crm.yaml:6:17 duplicate_free: got 'yes'; allowed: true, false. "
            "Fix: write true or false without quotes"
        ],
    ),
    "pattern of a time with minutes for months": (
        "sources/crm.yaml",
        "key: id",
        "key: id\nobserved_at: {column: at, formats: [iso, dd.mm.yyyy]}",
        [
            "sources/crm.yaml:6:36 observed_at.formats: got 'dd.mm.yyyy'; allowed: iso, epoch_seconds, epoch_millis, "
            "epoch_micros, or a pattern of a year, a month and a day, each once, such as dd.MM.yyyy HH:mm. "
            "Fix: write MM for the month and mm for the minute, and put other letters in quotes ('T')"
        ],
    ),
    "pattern of a birth date without a year": (
        "sources/crm.yaml",
        "email: [work, home]}",
        "birth_date: {from: born, formats: dd.MM.}}",
        [
            "sources/crm.yaml:6:83 columns.birth_date.formats: got 'dd.MM.'; allowed: a year (yyyy, yy), a month (MM, "
            "M, MMM, MMMM) and a day (dd, d), or dmy, mdy, spreadsheet_serial, epoch_seconds, epoch_millis, "
            "epoch_micros. Fix: write the date's own part of the pattern only; a time of day is dropped by itself"
        ],
    ),
    "encoding that nobody knows": (
        "sources/crm.yaml",
        "key: id",
        "key: id\noptions: {encoding: windows-1352}",
        [
            "sources/crm.yaml:6:21 options.encoding: got 'windows-1352'; allowed: an encoding that Python knows: "
            "UTF-8, Windows-1252, ISO-8859-15, UTF-16, cp500, …"
        ],
    ),
    "leading zero": (
        "sources/crm.yaml",
        "key: id",
        "key: id\npriority: 01234",
        [
            "sources/crm.yaml:6:11 priority: got '01234'; allowed: a whole number. "
            "Fix: write a whole number without quotes"
        ],
    ),
    "sexagesimal": (
        "project.yaml",
        "{path: warehouse}",
        "{path: warehouse}\ngates: {min_profiles: 12:30:45}",
        [
            "project.yaml:4:23 gates.min_profiles: got '12:30:45'; allowed: a whole number. "
            "Fix: write a whole number without quotes"
        ],
    ),
    "no value": (
        "sources/crm.yaml",
        "path: crm.csv",
        "path: crm.csv\noptions:",
        ["sources/crm.yaml:5:9 options: got nothing; allowed: keys and values. Fix: give a value"],
    ),
    "duplicate key": (
        "sources/crm.yaml",
        "key: id",
        "key: id\nname: shop",
        ["sources/crm.yaml:6:1: got the key 'name' twice; allowed: a key once. Fix: see also line 1:1"],
    ),
    "out of bounds": (
        "sources/crm.yaml",
        "key: id",
        "key: id\nmax_rejected_share: 1.5",
        ["sources/crm.yaml:6:21 max_rejected_share: got 1.5; allowed: less than or equal to 1"],
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
    "uuid": (
        "project.yaml",
        "6f1f1c1e-",
        "",
        [
            "project.yaml:2:12 namespace: got '3c1b-4c57-9c0b-0d7e3f1b2a33'; allowed: a UUID. Fix: take one from "
            "`python -c 'import uuid; print(uuid.uuid4())'` and never change it"
        ],
    ),
    "two places": (
        "project.yaml",
        "{path: warehouse}",
        "{path: a, catalog_schema: b}",
        [
            "project.yaml:3:12 warehouse: got both; allowed: either `path` or `catalog_schema`. "
            "Fix: write one place for the tables"
        ],
    ),
    "time zone": (
        "project.yaml",
        "{path: warehouse}",
        "{path: warehouse}\ntime_zone: Europe/Amsterdm",
        [
            "project.yaml:4:12 time_zone: got 'Europe/Amsterdm'; allowed: a name of the time-zone database, such as "
            "UTC or Europe/Amsterdam. Fix: write 'Europe/Amsterdam'"
        ],
    ),
    "no path": (
        "sources/crm.yaml",
        "path: crm.csv\n",
        "",
        ["sources/crm.yaml:1:1: got csv without `path`. Fix: add `path`: a file, folder or glob"],
    ),
    "no mapped column": (
        "sources/crm.yaml",
        "columns: {given_name: first, family_name: last, email: [work, home]}\nattributes: {tier: tier}\n",
        "",
        [
            "sources/crm.yaml:1:1: got no mapped column. Fix: say under `columns` what the source's columns mean",
        ],
    ),
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
    "none as a purpose": (
        "project.yaml",
        "{path: warehouse}",
        "{path: warehouse}\nconsent: {purposes: [email_marketing, none]}",
        [
            "project.yaml:4:21 consent.purposes: got the purpose 'none'. Fix: give the purpose another name: a "
            "destination of accounts says `purpose: none`"
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
    "settings of another kind of source": (
        "sources/crm.yaml",
        "key: id",
        "key: id\non_unreadable_withdrawal: stop\nmax_conflict_share: 0.1",
        [
            "sources/crm.yaml:7:21 max_conflict_share: got `max_conflict_share`, `on_unreadable_withdrawal`, which a "
            "source of records does not use; allowed: `max_conflict_share` for events, `on_unreadable_withdrawal` for "
            "consents. Fix: remove them, or change `kind`"
        ],
    ),
    "entity without section": (
        "sources/crm.yaml",
        "key: id",
        "key: id\nentity_type: account",
        [
            "match.yaml:3:5 person.blocking: got no rule of which some source fills every column; allowed: columns of "
            "a source of kind person. Fix: block on columns that a source maps, or map more columns",
            "match.yaml:1:1: got no section `account`; allowed: a section for each entity type; sources/crm.yaml has "
            "records of accounts. Fix: add `account:` with blocking rules and comparisons",
        ],
    ),
    "missing secret": (
        "sources/crm.yaml",
        "key: id",
        "key: id\noptions: {password: '${DB_PASSWORD}'}",
        [
            "sources/crm.yaml:6:21 options.password: got ${DB_PASSWORD}, which is not set; allowed: a variable of the "
            "environment. Fix: export DB_PASSWORD=… before the run"
        ],
    ),
    "placeholder left open": (
        "sources/crm.yaml",
        "key: id",
        "key: id\noptions: {user: '${DB_USER'}",
        ["sources/crm.yaml:6:17 options.user: got ${ without }; allowed: ${NAME}. Fix: close it"],
    ),
    "placeholder without a name": (
        "sources/crm.yaml",
        "key: id",
        "key: id\noptions: {user: '${env:USER}'}",
        [
            "sources/crm.yaml:6:17 options.user: got ${env:USER}; allowed: ${NAME} of letters, digits and _. "
            "Fix: write a variable's name"
        ],
    ),
    "secret in clear": (
        "sources/crm.yaml",
        "key: id",
        "key: id\noptions: {password: hunter2}",
        [
            "sources/crm.yaml:6:21 options.password: got a secret in clear; allowed: ${NAME} of an environment "
            "variable. Fix: set a variable to the secret, name it here, and change the secret: it was in a file"
        ],
    ),
    "key of the suppression list in clear": (
        "project.yaml",
        "{path: warehouse}",
        "{path: warehouse}\nsuppression: {secret_key: 0a1b2c3d4e5f6a7b8c9d}",
        [
            "project.yaml:4:27 suppression.secret_key: got a secret in clear; allowed: ${NAME} of an environment "
            "variable. Fix: set a variable to the secret, name it here, and change the secret: it was in a file"
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
    "secret that is no text": (
        "sources/crm.yaml",
        "key: id",
        "key: id\noptions: {password: 12345}",
        ["sources/crm.yaml:6:21 options.password: got a value that is not shown; allowed: text. Fix: put it in quotes"],
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_mistakes(project: Path, case: str) -> None:
    name, old, new, expected = CHANGES[case]
    change(project, name, old, new)
    assert mistakes(project) == expected


def test_all_mistakes_of_all_files_come_at_once(project: Path) -> None:
    change(project, "project.yaml", "name: shop", "nam: shop")
    change(project, "match.yaml", "method: email", "method: mail")
    change(project, "segments/gold.yaml", "tier", "teir")
    change(project, "destinations.yaml", "[email]", "[mail]")
    found = [message.split(":")[0] for message in mistakes(project)]
    assert found == ["project.yaml", "project.yaml", "match.yaml", "segments/gold.yaml", "destinations.yaml"]


def test_names_are_given_once(project: Path) -> None:
    (project / "sources" / "shop.yaml").write_text((project / "sources" / "crm.yaml").read_text())
    assert mistakes(project) == [
        "sources/shop.yaml:1:7 name: got the name 'crm', which sources/crm.yaml has. Fix: rename one"
    ]


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


def test_misspelt_files_and_folders_are_not_overlooked(project: Path) -> None:
    (project / "destination.yaml").write_text("destinations: []\n")
    (project / "sources" / "till.yml").write_text("name: till\n")
    (project / "segment").mkdir()
    (project / "segment" / "x.yaml").write_text("name: x\n")
    files = "project.yaml, match.yaml, survivorship.yaml, insights.yaml, experiments.yaml, destinations.yaml"
    assert mistakes(project) == [
        f"destination.yaml: got unknown file 'destination.yaml'; allowed: {files}. "
        "Fix: choose one of these (did you mean 'destinations.yaml'?); keep other YAML files elsewhere",
        "segment: got unknown folder 'segment'; allowed: sources, segments. "
        "Fix: choose one of these (did you mean 'segments'?)",
        "sources/till.yml: got the ending .yml; allowed: .yaml. Fix: rename it to till.yaml",
    ]


def test_missing_files(project: Path, tmp_path: Path) -> None:
    (project / "match.yaml").unlink()
    (project / "sources" / "crm.yaml").unlink()
    assert mistakes(project)[:2] == [
        "sources: got no source; allowed: one YAML file a source. Fix: add one",
        "match.yaml: got no such file or directory; allowed: a readable file. Fix: check the path",
    ]
    nowhere = tmp_path / "nowhere"
    assert mistakes(nowhere) == [
        f"{nowhere}: Project folder not found. Pass --project DIR, set CDP_PROJECT, or run `cdp init {nowhere}`."
    ]


def test_secrets_are_for_use_not_for_show(project: Path) -> None:
    change(project, "sources/crm.yaml", "key: id", "key: id\noptions: {password: '${PW}', other: 'a$${PW}'}")
    loaded = load_project(project, env={"PW": "hunter2"})
    options = loaded.sources[0].options
    assert (options["password"], f"{options['password']}", options["other"]) == ("hunter2", "hunter2", "a${PW}")
    shown = [repr(loaded), str(loaded), str(loaded.model_dump()), loaded.model_dump_json(), repr(options)]
    assert not any("hunter2" in text for text in shown)
    assert json.loads(loaded.model_dump_json())["sources"][0]["options"]["password"] == "${PW}"


def test_the_hash_is_stable_and_knows_no_secret(project: Path) -> None:
    change(project, "sources/crm.yaml", "key: id", "key: id\noptions: {password: '${PW}'}")
    first = load_project(project, env={"PW": "hunter2"})
    change(project, "sources/crm.yaml", "name: crm", "# a comment\nname: 'crm'")
    (project / "sources" / "crm.yaml").rename(project / "sources" / "renamed.yaml")
    again = load_project(project, env={"PW": "other"})
    assert first.config_hash == again.config_hash == config_hash(again)
    change(project, "project.yaml", "{path: warehouse}", "{path: warehouse}\ntime_zone: Europe/Oslo")
    assert load_project(project, env={"PW": "other"}).config_hash != first.config_hash


def test_load_match_takes_a_whole_file_or_a_section(project: Path, tmp_path: Path) -> None:
    whole = load_match(project / "match.yaml")
    section = tmp_path / "section.yaml"
    section.write_text(
        "blocking: [{name: email, keys: [email]}]\ncomparisons: [{name: email, method: email, columns: [email]}]\n"
    )
    assert load_match(section) == whole
    with pytest.raises(InvalidProjectError, match="got no section `account`; allowed: person"):
        load_match(project / "match.yaml", entity_type="account")
    with pytest.raises(InvalidProjectError, match="no such file or directory"):
        load_match(tmp_path / "none.yaml")


def test_load_section(project: Path) -> None:
    assert load_section(ProjectSettings, project / "project.yaml").warehouse.path == "warehouse"


def test_a_chain_of_references_that_is_too_long_to_plan_is_refused(project: Path) -> None:
    names = [f"s{number:03}" for number in range(SEGMENT_CHAIN + 3)]
    for name, other in zip(names, ["gold", *names], strict=False):
        (project / "segments" / f"{name}.yaml").write_text(f"name: {name}\nmembers: {{segment: {other}}}\n")
    assert mistakes(project) == [
        "segments/s100.yaml:2:10 members: got a chain of more than 100 references; allowed: 100 references in a row. "
        "Fix: write the conditions of the inner segments in one"
    ]


@pytest.mark.parametrize(
    "options",
    [
        {"pass": "hunter2"},
        {"passwd": "hunter2"},
        {"dbPassword": "hunter2"},
        {"password": "$${NOT_A_VARIABLE}"},
        {"url": "jdbc:postgresql://db/shop?user=crm&password=hunter2"},
        {"url": "jdbc:sqlserver://db;user=crm;pwd = hunter2"},
        {"url": "jdbc:mysql://crm:hunter2@db/shop"},
        {"url": "jdbc:oracle:thin:crm/hunter2@db:1521/shop"},
        {"url": "jdbc:snowflake://db/?private_key=hunter2"},
        {"connection": "AccountKey=hunter2;"},
        {"url": "https://blob/shop?sv=1&sig=hunter2"},
    ],
    ids=lambda options: " ".join(options.values()),
)
def test_a_password_is_never_in_a_file_under_whatever_name(project: Path, options: dict[str, str]) -> None:
    change(project, "sources/crm.yaml", "key: id", f"key: id\noptions: {json.dumps(options)}")
    (found,) = [message for message in mistakes(project) if "secret" in message]
    assert f"options.{next(iter(options))}: got a secret in clear; allowed: ${{NAME}}" in found
    assert "hunter2" not in found


def test_a_word_of_a_query_and_a_variable_are_no_secrets_in_clear(project: Path) -> None:
    options = {
        "url": "jdbc:postgresql://db/shop?user=crm&password=${CDP_TEST_PASSWORD}",
        "query": "SELECT id FROM people WHERE token = 'x'",
    }
    change(project, "sources/crm.yaml", "key: id", f"key: id\noptions: {json.dumps(options)}")
    assert load_project(project, env={"CDP_TEST_PASSWORD": "x"}).sources[0].options.keys() == options.keys()


def test_a_variable_does_not_reach_javas_command_line(project: Path) -> None:
    setting = '{spark.driver.extraJavaOptions: "-Dkey=${CDP_TEST_PASSWORD}"}'
    change(project, "project.yaml", "{path: warehouse}", f"{{path: warehouse}}\nspark: {setting}")
    assert mistakes(project, {"CDP_TEST_PASSWORD": "x"}) == [
        "project.yaml:4:40 spark.spark.driver.extraJavaOptions: got a variable in options that stand on Java's command "
        "line, for all users of the machine to read. Fix: give Java a file with it, by its path"
    ]


def test_a_path_holds_no_password(project: Path) -> None:
    change(project, "project.yaml", "{path: warehouse}", '{path: "s3a://key:hunter2@bucket/cdp"}')
    assert [message.partition(";")[0] for message in mistakes(project)] == [
        "project.yaml:3:19 warehouse.path: got a secret in clear"
    ]


LETTER = "{name: letter, kind: csv, segment: gold, path: out, columns: [email], purpose: email_marketing}"


@pytest.mark.parametrize(
    ("path", "got"),
    [
        ("out", "the folder of destination 'letter'"),
        ("./out/../out/", "the folder of destination 'letter'"),
        ("out/more", "a folder in the folder of destination 'letter'"),
        (".", "a folder around the warehouse"),
        ("warehouse", "the warehouse"),
        ("warehouse/profiles", "a folder in the warehouse"),
        ("file:{folder}/warehouse/exports", "a folder in the warehouse"),
        ("link/exports", "a folder in the warehouse"),
        ("${CDP_TEST_FOLDER}/warehouse", "the warehouse"),
        ("deliveries/exports", "a folder in the folder of source 'shop'"),
        ("../elsewhere", "a folder outside the project's"),
        ("/srv/exports", "a folder outside the project's"),
        ("/etc/cron.d", "a folder of the system"),
        ("file:///usr/share/exports", "a folder of the system"),
        ("/", "a folder of the system"),
    ],
)
def test_a_destination_has_a_folder_of_its_own(project: Path, path: str, got: str) -> None:
    (project / "warehouse").mkdir()
    (project / "link").symlink_to(project / "warehouse")
    shop = (project / "sources" / "crm.yaml").read_text().replace("crm", "shop").replace("shop.csv", "deliveries")
    (project / "sources" / "shop.yaml").write_text(shop)
    second = LETTER.replace("letter", "post").replace("path: out", f'path: "{path.replace("{folder}", str(project))}"')
    (project / "destinations.yaml").write_text(f"destinations:\n  - {LETTER}\n  - {second}\n")
    (message,) = mistakes(project, {"CDP_TEST_FOLDER": str(project)})
    assert message.startswith(f"destinations.yaml:3:50 destinations.1.path: got {got}; allowed: a folder ")


@pytest.mark.parametrize("path", ["s3a://bucket/exports", "exports/post", "out2"])
def test_a_destination_may_be_anywhere_else(project: Path, path: str) -> None:
    second = LETTER.replace("letter", "post").replace("path: out", f"path: {path}")
    (project / "destinations.yaml").write_text(f"destinations:\n  - {LETTER}\n  - {second}\n")
    assert load_project(project).destinations.files[1].path == path


def test_a_destination_may_be_outside_the_project_where_it_says_so(project: Path) -> None:
    allowed = LETTER.replace("path: out", "path: ../elsewhere, outside_project: true")
    (project / "destinations.yaml").write_text(f"destinations:\n  - {allowed}\n")
    assert load_project(project).destinations.files[0].outside_project


def test_a_bucket_by_another_name_is_the_same_bucket(project: Path) -> None:
    change(project, "project.yaml", "{path: warehouse}", '{path: "s3a://Bucket/cdp"}')
    change(project, "destinations.yaml", "path: out", "path: s3://bucket/x/../cdp/exports")
    assert [message.partition(";")[0] for message in mistakes(project)] == [
        "destinations.yaml:2:52 destinations.0.path: got a folder in the warehouse"
    ]
