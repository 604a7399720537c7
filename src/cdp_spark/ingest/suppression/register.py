"""Adding to the table `suppressions`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.config.base import choose_one
from cdp_spark.errors import ConfigError, DataError
from cdp_spark.normalise.identifiers import searched_identifiers
from cdp_spark.normalise.keyed_hashing import key_name, keyed_hash
from cdp_spark.tables.catalog import SUPPRESSIONS
from cdp_spark.tables.rows import tuples_of
from cdp_spark.tables.suppressions import INGEST, check_key, key_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from cdp_spark.config.project import Project, SuppressionKey
    from cdp_spark.tables.store import Store


@dataclass(frozen=True)
class Entry:
    """What is said of a suppression.

    Args:
        author: who asked for it.
        reason: why.
        at: when, UTC.
    """

    author: str
    reason: str
    at: datetime


def add_suppressions(store: Store, project: Project, kind: str, values: Iterable[str], entry: Entry) -> int:
    """Put identifiers on the list; those that are on it already stay as they are.

    Args:
        store: the warehouse.
        project: has the key.
        kind: type of the identifiers.
        values: as people write them; an e-mail's hashes are added with it.
        entry: author and reason.
    Returns: entries added.

    Raises:
        ConfigError: the project has no key, or one that is too short.
        DataError: a value is not of the type; none is added.
    """
    suppression, region = suppression_of(project), project.settings.default_region
    key_of(suppression)
    check_type(project, kind)
    forms = project.identifiers.forms
    found = [searched_identifiers(kind, value, region=region, forms=forms) for value in values]
    wrong = [str(position) for position, pairs in enumerate(found, start=1) if not pairs]
    if wrong:
        got = f"value {', '.join(wrong[:5])}, which is no {kind}"
        raise DataError("cdp suppress add", got=got, fix="write e-mails with @, phones with country code")
    return list_identifiers(store, suppression, {pair for pairs in found for pair in pairs}, entry)


def check_type(project: Project, kind: str) -> None:
    """Refuse a type of identifier that the project does not have.

    Raises:
        ConfigError: it is none; names those that there are.
    """
    kinds = (*project.identifiers.rules, c.NATIONAL_ID)
    if kind not in kinds:
        raise ConfigError("--type", got=repr(kind), allowed=", ".join(kinds), fix=choose_one(kind, kinds))


def list_identifiers(
    store: Store, suppression: SuppressionKey, identifiers: Collection[tuple[str, str]], entry: Entry
) -> int:
    """Put identifiers in normal form, (type, value), on the list; returns how many were not on it yet.

    Raises:
        StateError: the list was written with another key.
    """
    check_key(store, suppression)
    key = key_of(suppression)
    name = key_name(suppression.key_id, key)
    hashes = {(keyed_hash(kind, value, key=key), INGEST): kind for kind, value in identifiers}
    known = set(tuples_of(store.fetch(SUPPRESSIONS, SUPPRESSIONS.keys)))
    rows = [
        (*pair, kind, name, entry.at, entry.author, entry.reason)
        for pair, kind in sorted(hashes.items())
        if pair not in known
    ]
    if rows:
        store.append(SUPPRESSIONS, SUPPRESSIONS.table(rows), application=None)
        store.guard.note_suppression_key(name)
    return len(rows)


def suppression_of(project: Project) -> SuppressionKey:
    """The project's section.

    Raises:
        ConfigError: it has none.
    """
    suppression = project.settings.suppression
    if suppression is None:
        fix = "add `suppression:` with `secret_key: ${CDP_SUPPRESSION_KEY}`; `openssl rand -hex 32` makes one"
        raise ConfigError("project.yaml", got="no section `suppression`", fix=fix)
    return suppression
