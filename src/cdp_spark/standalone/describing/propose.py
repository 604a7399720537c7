"""Propose what a source's YAML says, from the first rows of its file.

1. The file's format, encoding and delimiter are found as `cdp resolve` finds them, and so are its columns' meanings.
2. Rows with a status, a purpose and a contact are consents; rows with a kind of event or an order number, a time and
   somebody's identifier are events; all others are records of people, or of companies where no person is named.
3. Key and times are chosen by name and value. Whatever could as well be something else is told as unsure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

from cdp_spark.config.source import Meaning
from cdp_spark.normalise.people.phone import read_phone
from cdp_spark.standalone.describing import roles
from cdp_spark.standalone.describing.consents import propose_consents
from cdp_spark.standalone.describing.events import propose_events
from cdp_spark.standalone.describing.sample import Proposal
from cdp_spark.standalone.discovery.column_names import read_column_name
from cdp_spark.standalone.discovery.vocabulary import plain_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdp_spark.config.project import ProjectSettings
    from cdp_spark.standalone.describing.sample import Sample
    from cdp_spark.standalone.discovery.recognise import Recognised

_MEANINGS = frozenset(get_args(Meaning))
_PERSON = frozenset({"given_name", "family_name", "full_name", "birth_date"})
_REGIONS = ("DE", "GB", "US", "FR", "NL", "AT", "CH", "ES", "IT", "PL", "SE", "BE", "DK")
_FILLED, _READ = 0.99, 0.9
_NOT_SAID = ("always the same value", "empty")
_NO_IDS = ("postcode", "phone", "house_number", "region", "country")
"""Meanings whose names end as those of ids do: `zip_code`, `phone_no`."""
_UNIQUE_IN = 20
"""Rows from which a column without an id's name may be unique by more than chance."""


def propose(name: str, sample: Sample, *, settings: ProjectSettings | None, region: str | None) -> Proposal:
    """Propose a source's YAML.

    Args:
        name: of the source.
        sample: its first rows.
        settings: of the project, if it has any yet.
        region: country of phones and postcodes that name none, where somebody said it.
    """
    is_of_people = len(set(sample.columns_of(*_PERSON)) & {it.column for it in sample.recognised if it.rank < 2}) > 0
    consents = None if is_of_people else propose_consents(sample)
    events = None if consents else propose_events(sample, is_of_people=is_of_people)
    found = consents or events or _propose_records(sample)
    kind = "consents" if consents else "events" if events else "records"
    head = {"name": name, "kind": kind, **sample.file}
    proposal = replace(found, name=name, settings=head | found.settings, notes=sample.notes)
    return _with_region(_with_purposes(proposal, sample, settings), sample, settings, region)


def _propose_records(sample: Sample) -> Proposal:
    settings: dict[str, Any] = {}
    comments = {"key": "what identifies a row; several: [shop, customer_id]"}
    columns, attributes, unused = _meanings(sample)
    if columns.get("company_name") and not _PERSON & columns.keys():
        settings["entity_type"] = "account"
    settings["key"], unsure = _key(sample, columns)
    observed = _observed_at(sample)
    if observed is not None:
        settings["observed_at"] = sample.time_field(observed)
        comments["observed_at"] = "when the row was true; the newer version wins"
    birth_date, doubts = _birth_date(sample, columns)
    settings["columns"] = {name: _one(its) for name, its in columns.items()} | birth_date
    identifiers, doubtful = _identifiers(sample, settings["key"])
    if identifiers:
        settings["identifiers"] = identifiers
        comments["identifiers"] = "what ties events to their person: type: column"
    used = {*identifiers.values(), settings["key"], observed}
    own = {name: column for name, column in attributes.items() if column not in used}
    if own:
        settings["attributes"] = own
        comments["attributes"] = "your own columns: name: column; in segments attribute('name')"
    return Proposal(
        "",
        settings,
        comments,
        unused=tuple((column, why) for column, why in unused if column not in used),
        unsure=(*unsure, *_about_time(sample, observed), *doubts, *doubtful),
        numbers={column: frozenset(sample.values(column)) for column in _numbers(sample, settings["key"])},
    )


def _about_time(sample: Sample, observed: str | None) -> list[str]:
    if observed is None:
        return ["observed_at: no column says when a row last changed; without it the last delivery wins."]
    if sample.times[observed].is_open:
        return [f"observed_at: {observed} may be day/month or month/day; check `formats`."]
    return []


def _identifiers(sample: Sample, key: str) -> tuple[dict[str, str], list[str]]:
    """Identifiers by the columns' names; another system's customer number only where somebody confirms it."""
    found: dict[str, str] = {}
    doubts = []
    for column in sample.rows.column_names:
        kind = roles.identifier_of(column)
        if kind is None or (kind == "user_id" and column == key):
            continue
        if kind == "user_id" and not roles.matching(roles.USER, [column]):
            said = "if it is the customer number of your events, write `identifiers: {user_id: "
            doubts.append(f"identifiers: {column} is kept as an attribute; {said}{column}}}`.")
        else:
            found.setdefault(kind, column)
    return found, doubts


def _one(columns: Sequence[str]) -> str | list[str]:
    return columns[0] if len(columns) == 1 else [*columns]


def _meanings(sample: Sample) -> tuple[dict[str, list[str]], dict[str, str], list[tuple[str, str]]]:
    """Sort columns into meanings, own attributes, and those that are not used."""
    columns: dict[str, list[Recognised]] = {}
    attributes: dict[str, str] = {}
    unused: list[tuple[str, str]] = []
    for item in sample.recognised:
        meaning = _config_meaning(item, sample)
        if meaning in _MEANINGS:
            columns.setdefault(meaning, []).append(item)
        elif item.meaning in ("ignored", "ip_address", "coordinate"):
            unused.append((item.column, item.reason))
        elif item.meaning not in ("birth_year", "birth_month", "birth_day"):
            attributes[_attribute_name(item.column, attributes)] = item.column
    ordered = {name: [it.column for it in sorted(its, key=lambda it: it.rank)] for name, its in columns.items()}
    for meaning, its in ordered.items():
        if meaning not in ("email", "phone"):
            for column in its[1:]:
                attributes[_attribute_name(column, attributes)] = column
            ordered[meaning] = its[:1]
    return ordered, attributes, unused


def _config_meaning(item: Recognised, sample: Sample) -> str:
    name = read_column_name(item.column)
    plain = plain_name(item.column)
    if not sample.columns_of("given_name", "family_name", "full_name"):
        of_company = next((meaning for meaning, names in roles.OF_COMPANIES if names.fullmatch(plain)), None)
        if of_company is not None:
            return of_company
    if item.meaning == "ignored" and item.reason.startswith(_NOT_SAID) and name.meaning and not name.somebody:
        return name.meaning
    if item.meaning in ("category", "text", "company_name") and roles.JOB_TITLE.fullmatch(plain):
        return "job_title"
    return item.meaning


def _attribute_name(column: str, taken: dict[str, str]) -> str:
    name = "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in plain_name(column)).strip("_")
    name = (name if name[:1].isalpha() else f"column_{name}")[:60]
    return next(it for it in (name, *(f"{name}_{at}" for at in range(2, 99))) if it not in taken)


def _key(sample: Sample, columns: dict[str, list[str]]) -> tuple[str, list[str]]:
    """The column that identifies a row: an id by its name and unique, or else whatever is unique."""
    names, rows = sample.rows.column_names, sample.rows.num_rows
    others = set(sample.columns_of(*_NO_IDS))
    ids = [name for name in roles.matching(roles.OWN_ID, names) if name not in others]
    emails = columns.get("email", [])
    figures = {name: (len(it := sample.values(name)) / rows, len(set(it)) / max(len(it), 1)) for name in names}
    unique = [name for name in names if figures[name][0] >= _FILLED and figures[name][1] == 1]
    best = next((name for name in unique if name in ids), None)
    if best is not None:
        return best, []
    contact = next((name for name in emails if name in unique), None)
    if contact is not None:
        return contact, [f"key: {contact} identifies a row here; a person's new address will be a new record."]
    if ids:
        name = max(ids, key=lambda it: (figures[it][1], figures[it][0]))
        doubled = rows - len(set(sample.values(name)))
        return name, [f"key: {name} is empty or repeated on {doubled:,} of {rows:,} rows; of these the newest counts."]
    if unique and rows >= _UNIQUE_IN:
        return unique[0], [f"key: no column is named as an id; {unique[0]} is unique in these rows."]
    return names[0], [f"key: no column identifies a row; {names[0]} is a guess."]


def _observed_at(sample: Sample) -> str | None:
    found = [*roles.matching(roles.OBSERVED, sample.times), *roles.matching(roles.CREATED, sample.times)]
    return found[0] if found else None


def _birth_date(sample: Sample, columns: dict[str, list[str]]) -> tuple[dict[str, Any], list[str]]:
    """How birth dates are written, where ISO dates and words do not say it."""
    parts = [sample.columns_of(f"birth_{unit}") for unit in ("year", "month", "day")]
    if all(parts):
        return {"birth_date": {"from": [its[0] for its in parts], "join": "-", "formats": "yyyy-M-d"}}, []
    item = next((it for it in sample.recognised if it.column in columns.get("birth_date", ())), None)
    if item is None:
        return {}, []
    dates = item.profile.dates
    formats = [dates.order] if dates.order is not None else [*dates.formats]
    doubts = []
    if dates.open:
        doubts.append(
            f"birth_date: {item.profile.open_dates:,} dates in {item.column} may be day/month or month/day and are not "
            "read; say which with `date_order: dmy` or `date_order: mdy`."
        )
    return ({"birth_date": {"from": item.column, "formats": _one(formats)}} if formats else {}), doubts


def _numbers(sample: Sample, key: str) -> list[str]:
    """Columns that may hold the customer numbers of an order."""
    return list(dict.fromkeys([key, *(it for it in sample.rows.column_names if roles.identifier_of(it) == "user_id")]))


def _with_purposes(proposal: Proposal, sample: Sample, settings: ProjectSettings | None) -> Proposal:
    if settings is None or proposal.settings["kind"] != "consents":
        return proposal
    column = proposal.settings["consents"]["purpose"]
    strange = sorted({plain_name(text) for text in sample.values(column)} - {*settings.consent.purposes})
    if not strange:
        return proposal
    said = f"purpose: {', '.join(strange)} not in project.yaml, consent.purposes; add what you want to use."
    return replace(proposal, unsure=(*proposal.unsure, said))


def _with_region(proposal: Proposal, sample: Sample, settings: ProjectSettings | None, region: str | None) -> Proposal:
    """Say the country of phones that name none, where the project's default reads few of them and another most."""
    default = settings.default_region if settings else "US"
    phones = [text for name in sample.columns_of("phone") for text in sample.values(name)[:200]]
    chosen = region or _region_of(phones, default)
    if chosen is None or chosen == default:
        return proposal
    comment = "country of phones and postcodes that name none"
    unsure = () if region else (f"default_region: phones are read as {chosen}; as {default} most could not be read.",)
    return replace(
        proposal,
        settings=proposal.settings | {"default_region": chosen},
        comments=proposal.comments | {"default_region": comment},
        unsure=(*proposal.unsure, *unsure),
    )


def _region_of(phones: Sequence[str], default: str) -> str | None:
    def share(region: str) -> float:
        return sum(read_phone(text, region).usable is not None for text in phones) / max(len(phones), 1)

    national = [text for text in phones if not text.startswith(("+", "00"))]
    if not national or share(default) >= _READ:
        return None
    best = max(_REGIONS, key=share)
    return best if share(best) >= _READ else None
