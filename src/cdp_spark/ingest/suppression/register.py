"""Reading and adding to the table `suppressions`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.config.base import choose_one
from cdp_spark.errors import ConfigError, DataError, StateError
from cdp_spark.ingest.suppression.hashing import key_name, keyed_hash
from cdp_spark.ingest.suppression.listed import SuppressionList
from cdp_spark.normalise.identifiers import searched_identifiers
from cdp_spark.tables.catalog import SUPPRESSIONS
from cdp_spark.tables.manifest.manifest import damaged_table
from cdp_spark.tables.rows import texts, tuples_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from cdp_spark.config.project import Project, SuppressionKey
    from cdp_spark.tables.store import Store

INGEST = "ingest"
MINIMUM_KEY_LENGTH = 16


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


def read_suppression_list(store: Store, project: Project) -> SuppressionList | None:
    """The list of scope ingest; None where it is empty.

    Raises:
        StateError: the list was written with a key that the project does not have.
    """
    check_key(store, project.settings.suppression)
    rows = tuples_of(store.fetch(SUPPRESSIONS, (c.VALUE_HASH, c.TYPE), only={c.SCOPE: texts([INGEST])}))
    suppression = project.settings.suppression
    if not rows or suppression is None:
        return None
    hashes, kinds = frozenset(hashed for hashed, _ in rows), frozenset(kind for _, kind in rows)
    return SuppressionList(key_of(suppression), hashes, kinds, project.identifiers.forms)


def check_key(store: Store, suppression: SuppressionKey | None) -> None:
    """Compare the project's key with the one that the list was written with, by their check values.

    Raises:
        StateError: it is another one, or there is none: whoever is on the list would come back.
    """
    noted = store.guard.read().suppression_key
    used = set(store.fetch(SUPPRESSIONS, (c.KEY_ID,))[c.KEY_ID].to_pylist())
    if noted is not None and not used:
        raise damaged_table(SUPPRESSIONS.name, "no entry, although some were written")
    own = key_name(suppression.key_id, key_of(suppression)) if suppression else None
    unknown = sorted((used | ({noted} if noted else set())) - {own})
    if unknown:
        allowed = f"the key {own}, which the project has" if own else "a section `suppression` in project.yaml"
        fix = "give the project the key that the list was written with: without it, those people would come back"
        got = f"entries of key {', '.join(unknown)}, which the project does not have"
        raise StateError(f"table {SUPPRESSIONS.name}", got=got, allowed=allowed, fix=fix)


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


def key_of(suppression: SuppressionKey) -> bytes:
    """The key's bytes.

    Raises:
        ConfigError: it is too short to keep anybody from trying values out.
    """
    if len(suppression.secret_key) < MINIMUM_KEY_LENGTH:
        got, allowed = "a key that is too short", f"{MINIMUM_KEY_LENGTH} characters or more"
        raise ConfigError("project.yaml: suppression.secret_key", got=got, allowed=allowed, fix="openssl rand -hex 32")
    return str(suppression.secret_key).encode()
