"""Accounts and the accounts above them.

1. A record of an account may name a parent. The name is looked up as `source:key`, as a key of the record's own source,
   as an identifier or registration number, then as a company's name. One that several accounts bear names none.
2. Of an account's records the newest one whose name is found counts. An account that names itself is the top.
3. In a cycle the account with the lowest id loses its parent, and so becomes the top of the others.
4. Each account gets its path from the top; the depth of the top is 0.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.normalise.people.codes import read_national_id
from cdp_spark.normalise.people.companies import company_core

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KEY, IDENTIFIER, NAME = "key", "identifier", "name"
UNKNOWN_PARENT, AMBIGUOUS_PARENT, ACCOUNT_CYCLE = "unknown_parent", "ambiguous_parent", "account_cycle"
ISSUES = (UNKNOWN_PARENT, AMBIGUOUS_PARENT, ACCOUNT_CYCLE)
RECORD_COLUMNS = (
    *(c.RECORD_KEY, c.SOURCE, c.SOURCE_RECORD_ID, c.OBSERVED_AT),
    *(c.PARENT_ACCOUNT, c.REGISTRATION_NUMBER, c.COMPANY_CORE),
)
"""What the hierarchy depends on, of records of accounts."""
HIERARCHY = pa.schema(
    [
        *((name, pa.string()) for name in (c.UNIFIED_ID, c.PARENT_ID, c.ULTIMATE_PARENT_ID)),
        (c.DEPTH, pa.int64()),
        (c.PATH, pa.list_(pa.string())),
        *((name, pa.string()) for name in (c.RELATION, c.RECORD_KEY, c.ISSUE)),
    ]
)

Row = dict[str, Any]


class Parent(NamedTuple):
    """What the records of an account say of its parent.

    Args:
        account_id: of the parent; None where there is none.
        relation: by what it was found.
        record_key: the record that names it.
        issue: why there is none although a record names one.
    """

    account_id: str | None
    relation: str | None
    record_key: str | None
    issue: str | None = None


def build_account_hierarchy(accounts: pa.Table, identifiers: pa.Table) -> pa.Table:
    """Build the tree of accounts.

    Args:
        accounts: records of accounts with RECORD_COLUMNS and `account_id`.
        identifiers: usable ones of these records: record_key, value.
    Returns: rows of HIERARCHY: one per account that has a parent or a subsidiary, or whose parent was not found.
    """
    parents = find_parents(accounts, identifiers)
    above = {child: it.account_id for child, it in parents.items() if it.account_id is not None}
    for account_id in cut_cycles(above):
        parents[account_id] = parents[account_id]._replace(account_id=None, relation=None, issue=ACCOUNT_CYCLE)
    nobody = Parent(None, None, None)
    told = {child: it for child, it in parents.items() if it.account_id or it.issue}
    paths = _paths(above, sorted({*told, *above.values()}))
    rows = [_row(account_id, path, told.get(account_id, nobody)) for account_id, path in paths.items()]
    return pa.Table.from_pylist(rows, HIERARCHY)


def _row(account_id: str, path: list[str], parent: Parent) -> Row:
    return {
        c.UNIFIED_ID: account_id,
        c.PARENT_ID: parent.account_id,
        c.ULTIMATE_PARENT_ID: path[0],
        c.DEPTH: len(path) - 1,
        c.PATH: path,
        c.RELATION: parent.relation,
        c.RECORD_KEY: parent.record_key,
        c.ISSUE: parent.issue,
    }


def find_parents(accounts: pa.Table, identifiers: pa.Table) -> dict[str, Parent]:
    """Find the parent of each account that names one; an account that names itself has none."""
    naming: list[Row] = accounts.filter(pc.is_valid(accounts[c.PARENT_ACCOUNT])).to_pylist()
    bearers = _bearers(accounts, identifiers, {it: dict(_references(it)) for it in map(_said, naming)})
    of_account: dict[str, list[Row]] = defaultdict(list)
    for record in naming:
        of_account[record[c.ACCOUNT_ID]].append(record)
    return {account_id: _parent_of(account_id, records, bearers) for account_id, records in sorted(of_account.items())}


Bearers = dict[tuple[str, str], set[str]]
"""A way of naming and the name to the accounts that bear it."""


def _said(record: Row) -> tuple[str, str]:
    return record[c.SOURCE], record[c.PARENT_ACCOUNT].strip()


def _references(said: tuple[str, str]) -> Iterable[tuple[str, tuple[str, ...]]]:
    """The names to look a parent up by, for each way of naming, the most trusted first."""
    source, text = said
    yield KEY, (text, f"{source}:{text}")
    yield IDENTIFIER, tuple(dict.fromkeys(filter(None, (text, read_national_id(text).usable))))
    core = company_core(text)
    yield NAME, (core,) if core else ()


def _bearers(
    accounts: pa.Table, identifiers: pa.Table, named: Mapping[tuple[str, str], Mapping[str, tuple[str, ...]]]
) -> Bearers:
    """Find the accounts that bear a name that is looked up; all others stay in Arrow memory."""
    keys = pc.binary_join_element_wise(accounts[c.SOURCE], accounts[c.SOURCE_RECORD_ID], ":")
    places = pc.index_in(identifiers[c.RECORD_KEY], value_set=accounts[c.RECORD_KEY])
    columns = (
        (KEY, keys, accounts[c.ACCOUNT_ID]),
        (IDENTIFIER, identifiers[c.VALUE], accounts[c.ACCOUNT_ID].take(places)),
        (IDENTIFIER, accounts[c.REGISTRATION_NUMBER], accounts[c.ACCOUNT_ID]),
        (NAME, accounts[c.COMPANY_CORE], accounts[c.ACCOUNT_ID]),
    )
    found: Bearers = defaultdict(set)
    for way, values, ids in columns:
        wanted = pa.array({name for names in named.values() for name in names[way]}, pa.string())
        chosen = pc.is_in(values, value_set=wanted)
        pairs = zip(values.filter(chosen).to_pylist(), ids.filter(chosen).to_pylist(), strict=True)
        for name, account_id in pairs:
            if name is not None and account_id is not None:
                found[way, name].add(account_id)
    return found


def _parent_of(account_id: str, records: list[Row], bearers: Bearers) -> Parent:
    """The parent that the newest record names of which the name is found."""
    newest_first = sorted(records, key=lambda it: (it[c.OBSERVED_AT] is not None, it[c.OBSERVED_AT], it[c.RECORD_KEY]))
    looked_up = [_look_up(it, bearers) for it in reversed(newest_first)]
    parent = next((it for it in looked_up if it.account_id), looked_up[0])
    return parent._replace(account_id=None) if parent.account_id == account_id else parent


def _look_up(record: Row, bearers: Bearers) -> Parent:
    issue = UNKNOWN_PARENT
    for way, names in _references(_said(record)):
        for name in names:
            found = bearers.get((way, name), set())
            if len(found) == 1:
                return Parent(next(iter(found)), way, record[c.RECORD_KEY])
            issue = AMBIGUOUS_PARENT if found else issue
    return Parent(None, None, record[c.RECORD_KEY], issue)


def cut_cycles(above: dict[str, str]) -> list[str]:
    """Take the parent of the lowest id in each cycle out; returns these ids."""
    done: set[str] = set()
    cut = []
    for start in sorted(above):
        way: dict[str, None] = {}
        at: str | None = start
        while at is not None and at not in done and at not in way:
            way[at] = None
            at = above.get(at)
        if at is not None and at in way:
            met = [*way]
            lowest = min(met[met.index(at) :])
            del above[lowest]
            cut.append(lowest)
        done.update(way)
    return cut


def _paths(above: Mapping[str, str], account_ids: Iterable[str]) -> dict[str, list[str]]:
    """The way to each account from the top, both included."""
    paths: dict[str, list[str]] = {}
    for account_id in account_ids:
        way = [account_id]
        while way[-1] in above:
            way.append(above[way[-1]])
        paths[account_id] = way[::-1]
    return paths
