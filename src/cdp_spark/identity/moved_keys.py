"""Records that a source gave new keys: who left and who came in one run, and is the same.

1. Every record that left or came is read as facts: name, birth date, mailboxes, phones, address, national id.
2. Candidates are two records of one source and entity type, one that left and one that came, that share a fact and have
   the same name.
3. They agree where no fact that both have differs, and at least one is the same: two where the name is missing, but
   for records of which nothing else is known.
4. A move is a pair of which each side agrees with the other only. Whoever has two candidates is not moved.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from cdp_spark import columns as c
from cdp_spark.normalise.people.email import mailbox
from cdp_spark.normalise.text import match_form

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

COLUMNS = (
    *(c.RECORD_KEY, c.ENTITY_TYPE, c.SOURCE, c.GIVEN_NAME, c.FAMILY_NAME, c.BIRTH_DATE, c.EMAILS, c.PHONES),
    *(c.STREET, c.HOUSE_NUMBER, c.POSTCODE, c.CITY, c.NATIONAL_ID, c.COMPANY_CORE, c.DOMAIN, c.REGISTRATION_NUMBER),
)
"""Columns of `records` that facts are made from."""

_PARTS = (c.STREET, c.HOUSE_NUMBER, c.POSTCODE, c.CITY)
_STRONG = frozenset({c.EMAILS, c.PHONES, c.NATIONAL_ID})
Facts = dict[str, frozenset[str]]


class Move(NamedTuple):
    """A record under its old and its new key."""

    entity_type: str
    old_key: str
    new_key: str


class _Record(NamedTuple):
    key: str
    group: tuple[str, str]
    name: str
    facts: Facts


def find_moves(left: Iterable[Mapping[str, object]], came: Iterable[Mapping[str, object]]) -> list[Move]:
    """Find the records that only have a new key.

    Args:
        left: rows with `COLUMNS` of the records that the last release had and this run has not.
        came: likewise of those that this run has and the last release had not.
    Returns: the moves, each record in one at most.
    """
    olds, news = ([_read(row) for row in rows] for rows in (left, came))
    holders: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
    for place, record in enumerate(news):
        for key in _keys(record):
            holders[key].append(place)
    agreeing = {place: sorted(_agreeing(old, news, holders)) for place, old in enumerate(olds)}
    sought: defaultdict[int, int] = defaultdict(int)
    for place in chain.from_iterable(agreeing.values()):
        sought[place] += 1
    return sorted(
        Move(olds[old].group[1], olds[old].key, news[found[0]].key)
        for old, found in agreeing.items()
        if len(found) == 1 and sought[found[0]] == 1
    )


def _agreeing(old: _Record, news: list[_Record], holders: Mapping[tuple[object, ...], list[int]]) -> set[int]:
    candidates = set(chain.from_iterable(holders.get(key, ()) for key in _keys(old)))
    return {place for place in candidates if _agree(old, news[place])}


def _agree(old: _Record, new: _Record) -> bool:
    both = old.facts.keys() & new.facts.keys()
    same = [kind for kind in both if old.facts[kind] & new.facts[kind]]
    is_all = old.facts.keys() == new.facts.keys() and not _STRONG.isdisjoint(both)
    needed = 1 if old.name or is_all else 2
    return len(same) == len(both) >= needed


def _keys(record: _Record) -> Iterator[tuple[object, ...]]:
    for kind, values in record.facts.items():
        for value in values:
            yield (record.group, record.name, kind, value)


def _read(row: Mapping[str, object]) -> _Record:
    names = [_form(row[name]) for name in (c.GIVEN_NAME, c.FAMILY_NAME)]
    company = _form(row[c.COMPANY_CORE]) if row[c.ENTITY_TYPE] == "account" else ""
    name = company or (" ".join(names) if all(names) else "")
    return _Record(str(row[c.RECORD_KEY]), (str(row[c.SOURCE]), str(row[c.ENTITY_TYPE])), name, _facts(row))


def _facts(row: Mapping[str, object]) -> Facts:
    address = " ".join(_form(row[name]) for name in _PARTS)
    single = (c.BIRTH_DATE, c.NATIONAL_ID, c.DOMAIN, c.REGISTRATION_NUMBER)
    facts = {
        c.EMAILS: frozenset(map(mailbox, _texts(row[c.EMAILS]))),
        c.PHONES: frozenset(_texts(row[c.PHONES])),
        c.STREET: frozenset([address] if row[c.STREET] and (row[c.POSTCODE] or row[c.CITY]) else []),
        **{name: frozenset([str(row[name])] if row[name] is not None else []) for name in single},
    }
    return {kind: values for kind, values in facts.items() if values}


def _texts(values: object) -> list[str]:
    return [str(it) for it in values if it is not None] if isinstance(values, list) else []


def _form(text: object) -> str:
    return (match_form(str(text)) or "") if text is not None else ""
