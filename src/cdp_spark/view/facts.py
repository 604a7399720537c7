"""Parts of a view out of rows of tables: values and who won them, records, consents, relations, identifiers."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from cdp_spark import columns as c
from cdp_spark.normalise.people.job_titles import ROLES
from cdp_spark.view.model import Attribute, Section, SourceRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    Row = Mapping[str, Any]
    Rows = Sequence[Row]

PEOPLE_SHOWN = 200
"""People of an account in a view, and accounts of its group."""
_BY_ROLE = {role: place for place, role in enumerate(ROLES)}
_HEAD = frozenset((c.UNIFIED_ID, c.ENTITY_TYPE, c.CONSENTS))
"""Columns of a profile that a view shows elsewhere."""
_OF_RECORDS = (
    c.OBSERVED_AT,
    c.FULL_NAME,
    c.BIRTH_DATE,
    c.GENDER,
    c.EMAILS,
    c.PHONES,
    c.STREET,
    c.HOUSE_NUMBER,
    c.UNIT,
    c.CITY,
    c.POSTCODE,
    c.REGION,
    c.COUNTRY,
    c.NATIONAL_ID,
    c.COMPANY_NAME,
    c.JOB_TITLE,
    c.DOMAIN,
    c.REGISTRATION_NUMBER,
    c.INDUSTRY,
    c.EMPLOYEES,
    c.REVENUE,
    c.REVENUE_CURRENCY,
    c.LEGAL_FORM,
    c.OWNER,
    c.PARENT_ACCOUNT,
)
"""What a source's record says, in the order in which it is shown; `full_name` has all parts of the name."""
_NAME_PARTS = (c.GIVEN_NAME, c.MIDDLE_NAME, c.FAMILY_NAME, c.NAME_SUFFIX)
_PARTS = {c.FULL_NAME: _NAME_PARTS, c.EMAILS: (c.EMAIL,), c.PHONES: (c.PHONE,)}
"""Attributes of a profile that a record shows in one row."""
NAMING_COLUMNS = (c.UNIFIED_ID, c.ENTITY_TYPE, c.GIVEN_NAME, c.FAMILY_NAME, c.COMPANY_NAME, c.EMAIL, c.PHONE)
"""What `name_profile` needs, and whose it is."""


def holds(row: Row, at: datetime | None, *, start: str = c.VALID_FROM, end: str = c.VALID_TO) -> bool:
    """Tell whether a row's span holds at a time: from its start to just before its end; None is now."""
    if at is None:
        return row[end] is None
    return bool(row[start] <= at) and (row[end] is None or bool(row[end] > at))


def record_title(record: Row) -> str:
    """Name a record as people do: `source:source_record_id`; a visitor by its identifiers."""
    if record[c.ENTITY_TYPE] == "visitor":
        return " + ".join(f"{kind} {value}" for kind, value in sorted(_identifier_set(record).items()))
    return f"{record[c.SOURCE]}:{record[c.SOURCE_RECORD_ID]}"


def _identifier_set(visitor: Row) -> dict[str, str]:
    found: dict[str, str] = json.loads(visitor[c.SOURCE_RECORD_ID])
    return found


def build_attributes(profile: Row, values: Rows, titles: Mapping[str, str]) -> tuple[Attribute, ...]:
    """List the values that a profile has, each with the record and rule that it comes from.

    Args:
        profile: a row of `profiles`, or of its history.
        values: its rows of `profile_values`; none where they are not of the same time.
        titles: what records are called, by record_key.
    """
    origins = {it[c.ATTRIBUTE]: it for it in values}
    plain = {name: _plain(value) for name, value in profile.items() if name not in _HEAD}
    plain |= plain.pop(c.ATTRIBUTES, None) or {}
    return tuple(_attribute(name, value, origins.get(name), titles) for name, value in plain.items() if _is_told(value))


def _attribute(name: str, value: Any, origin: Row | None, titles: Mapping[str, str]) -> Attribute:  # noqa: ANN401
    if origin is None:
        return Attribute(name, value)
    return Attribute(name, value, titles.get(origin[c.RECORD_KEY]), origin[c.RULE])


def _plain(value: Any) -> Any:  # noqa: ANN401 - of any column
    """Arrow gives a map as its pairs."""
    return dict(value) if isinstance(value, list) and value and isinstance(value[0], tuple) else value


def _is_told(value: object) -> bool:
    return value is not None and value not in ("", [], {})


def build_records(records: Rows, values: Rows) -> tuple[SourceRecord, ...]:
    """List the records of sources, by name, with what each says and which values it won; visitors are left out.

    Args:
        records: rows of `records`.
        values: rows of `profile_values`.
    """
    won: dict[str, list[str]] = defaultdict(list)
    for it in values:
        won[it[c.RECORD_KEY]].append(it[c.ATTRIBUTE])
    own = {it[c.RECORD_KEY]: (record_title(it), _said(it)) for it in records if it[c.ENTITY_TYPE] != "visitor"}
    names = dict.fromkeys(name for _, said in own.values() for name in said)
    filled = [name for name in names if any(_is_told(said.get(name)) for _, said in own.values())]
    shown = (
        SourceRecord(title, {name: said.get(name) for name in filled}, _shown_wins(won[key]))
        for key, (title, said) in own.items()
    )
    return tuple(sorted(shown, key=lambda it: it.key))


def _said(record: Row) -> dict[str, Any]:
    said = {name: record[name] for name in _OF_RECORDS} | dict(record[c.ATTRIBUTES])
    return {**said, "unreadable": record[c.VALUE_ISSUES]}


def _shown_wins(attributes: Iterable[str]) -> tuple[str, ...]:
    rows = {part: row for row, parts in _PARTS.items() for part in parts}
    return tuple(sorted({rows.get(it, it) for it in attributes}))


def build_identifiers(identifiers: Rows, titles: Mapping[str, str]) -> Section:
    """List the identifiers that join records or could, with who bears each; hashes are left out.

    Args:
        identifiers: rows of `identifiers`.
        titles: what records are called, by record_key.
    """
    bearers: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for it in identifiers:
        if not it[c.TYPE].endswith("sha256"):
            use = "yes" if it[c.USABLE] else f"no: {it[c.REASON]}"
            bearers[it[c.TYPE], it[c.VALUE], use].add(it[c.RECORD_KEY])
    rows = [
        {
            "type": kind,
            "identifier": value,
            "used": use,
            "records": len(keys),
            "in": ", ".join(sorted(titles[key] for key in keys if key in titles)[:3]),
        }
        for (kind, value, use), keys in sorted(bearers.items())
    ]
    return Section("identifiers", "Identifiers", tuple(rows), len(rows))


def build_segments(members: Rows, at: datetime | None) -> Section:
    """List the segments that a profile is in, and since when.

    Args:
        members: spans of `segment_members` that hold at the time.
        at: the time; None is now.
    """
    since = {it[c.SEGMENT]: it[c.ENTERED_AT] for it in members if at is None or it[c.ENTERED_AT] <= at}
    rows = tuple({"segment": name, "since": time} for name, time in sorted(since.items()))
    return Section("segments", "Segments", rows, len(rows))


def build_consents(
    given: Rows, statuses: Mapping[str, str], points: Mapping[str, str], *, purposes: Sequence[str] = ()
) -> Section:
    """List what holds for each purpose, then who said so, when and for which e-mail or phone.

    Args:
        given: rows of `consents`.
        statuses: of the profile, by purpose.
        points: e-mails and phones, by hash.
        purposes: of the project; one that nobody was asked about is told as unknown.
    """
    said: dict[str, list[Row]] = defaultdict(list)
    for it in sorted(given, key=lambda it: (it[c.GIVEN_AT], it[c.SOURCE], it[c.STATUS]), reverse=True):
        said[it[c.PURPOSE]].append(it)
    rows = [
        {"purpose": purpose, "now": statuses.get(purpose, "unknown"), **_saying(it, points)}
        for purpose in sorted({*purposes, *statuses, *said})
        for it in said[purpose] or (None,)
    ]
    return Section("consents", "Consents", tuple(rows), len(rows))


def _saying(consent: Row | None, points: Mapping[str, str]) -> dict[str, Any]:
    if consent is None:
        return dict.fromkeys(("said", "on", "for", "in"))
    point = points.get(consent[c.CONTACT_POINT_HASH], consent[c.CONTACT_POINT_TYPE])
    return {"said": consent[c.STATUS], "on": consent[c.GIVEN_AT], "for": point, "in": consent[c.SOURCE]}


def build_accounts(members: Rows, names: Mapping[str, str], titles: Mapping[str, str]) -> Section:
    """List a person's accounts, the primary one first, with what says so and the record that says it first.

    Args:
        members: the person's rows of `account_members`.
        names: of accounts, by unified_id.
        titles: what records are called, by record_key.
    """
    relations: dict[str, list[Row]] = defaultdict(list)
    for it in sorted(members, key=lambda it: (not it[c.IS_PRIMARY], it[c.ACCOUNT_ID], it[c.RELATION])):
        relations[it[c.ACCOUNT_ID]].append(it)
    rows = [
        {
            "account": names.get(account_id, ""),
            **_title(own),
            "by": ", ".join(it[c.RELATION] for it in own),
            "primary": own[0][c.IS_PRIMARY],
            "record": titles.get(own[0][c.RECORD_KEY]),
            c.ACCOUNT_ID: account_id,
        }
        for account_id, own in relations.items()
    ]
    return Section("accounts", "Accounts", tuple(rows), len(rows))


def build_people(members: Rows, names: Mapping[str, str]) -> Section:
    """List an account's people by role and name, the first PEOPLE_SHOWN.

    Args:
        members: the account's rows of `account_members`.
        names: of people, by unified_id.
    """
    relations: dict[str, list[Row]] = defaultdict(list)
    for it in members:
        relations[it[c.UNIFIED_ID]].append(it)
    rows = [
        {
            "name": names.get(unified_id, ""),
            **_title(own),
            "by": ", ".join(sorted({it[c.RELATION] for it in own})),
            "primary": any(it[c.IS_PRIMARY] for it in own),
            c.UNIFIED_ID: unified_id,
        }
        for unified_id, own in relations.items()
    ]
    rows.sort(key=lambda it: (_BY_ROLE.get(it[c.ROLE], len(_BY_ROLE)), it["name"], it[c.UNIFIED_ID]))
    return Section("people", "People", tuple(rows[:PEOPLE_SHOWN]), len(rows))


def _title(own: Rows) -> dict[str, Any]:
    """The job title in an account, which is the same in all relations to it, and what it tells."""
    titled: Row = next((it for it in own if it[c.JOB_TITLE]), {})
    return {name: titled.get(name) for name in (c.JOB_TITLE, c.ROLE, c.SENIORITY, c.DEPARTMENT)}


def build_hierarchy(tree: Rows, account_id: str, names: Mapping[str, str]) -> Section:
    """List the accounts above an account, itself, and those below, from the top down.

    Args:
        tree: rows of `account_hierarchy`, all of one ultimate parent.
        account_id: of the account.
        names: of accounts, by unified_id.
    """
    own: Sequence[str] = next((it[c.PATH] for it in tree if it[c.UNIFIED_ID] == account_id), [])
    near = [it for it in tree if it[c.UNIFIED_ID] in own or account_id in it[c.PATH]]
    shown = sorted(near, key=lambda it: [names.get(step, step) + step for step in it[c.PATH]])
    rows = [
        {
            "account": names.get(it[c.UNIFIED_ID], ""),
            c.DEPTH: it[c.DEPTH],
            "is": _place(it, account_id, own),
            "parent_by": it[c.RELATION],
            c.ISSUE: it[c.ISSUE],
            c.UNIFIED_ID: it[c.UNIFIED_ID],
        }
        for it in shown
    ]
    return Section("hierarchy", "Parent and subsidiaries", tuple(rows[:PEOPLE_SHOWN]), len(rows))


def _place(row: Row, account_id: str, own: Sequence[str]) -> str:
    if row[c.UNIFIED_ID] == account_id:
        return "this account"
    return "above" if row[c.UNIFIED_ID] in own else "below"


def build_household(members: Rows, names: Mapping[str, str]) -> Section:
    """List the people of a household, by name.

    Args:
        members: rows of `households`, all of one household.
        names: of people, by unified_id.
    """
    rows = [
        {
            "name": names.get(it[c.UNIFIED_ID], ""),
            "since_release": it[c.SINCE_RELEASE],
            c.UNIFIED_ID: it[c.UNIFIED_ID],
            c.HOUSEHOLD_ID: it[c.HOUSEHOLD_ID],
        }
        for it in members
    ]
    rows.sort(key=lambda it: (it["name"], it[c.UNIFIED_ID]))
    title = f"Household {rows[0][c.HOUSEHOLD_ID]}" if rows else "Household"
    return Section("household", title, tuple(rows), len(rows), (c.HOUSEHOLD_ID,))


def name_profile(profile: Row) -> str:
    """Name a profile as people do: by its own name, or the company's, an e-mail, a phone; else by what it is."""
    person = " ".join(profile[name] for name in (c.GIVEN_NAME, c.FAMILY_NAME) if profile[name])
    given = [person, *(profile[name] for name in (c.COMPANY_NAME, c.EMAIL, c.PHONE))]
    return next((name for name in given if name), f"Unnamed {profile[c.ENTITY_TYPE]}")
