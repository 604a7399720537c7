"""Reading and adding to the table `suppressions`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.errors import ConfigError, DataError, StateError
from cdp_spark.ingest.suppression.hashing import keyed_hash
from cdp_spark.ingest.suppression.listed import SuppressionList
from cdp_spark.normalise.identifiers import searched_identifiers
from cdp_spark.tables.catalog import SUPPRESSIONS
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
    rows = tuples_of(store.fetch(SUPPRESSIONS, (c.VALUE_HASH, c.TYPE, c.KEY_ID), only={c.SCOPE: texts([INGEST])}))
    if not rows:
        return None
    suppression = project.settings.suppression
    unknown = sorted({key_id for _, _, key_id in rows} - ({suppression.key_id} if suppression else set()))
    if unknown or suppression is None:
        raise StateError(
            f"table {SUPPRESSIONS.name}",
            got=f"entries of key {', '.join(unknown)}, which the project does not have",
            allowed=f"key_id {suppression.key_id}" if suppression else "a section `suppression` in project.yaml",
            fix="name the key that the list was written with: without it those persons would come back",
        )
    hashes, kinds = frozenset(hashed for hashed, _, _ in rows), frozenset(kind for _, kind, _ in rows)
    return SuppressionList(key_of(suppression), hashes, kinds)


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
    found = [searched_identifiers(kind, value, region=region) for value in values]
    wrong = [str(position) for position, pairs in enumerate(found, start=1) if not pairs]
    if wrong:
        got = f"value {', '.join(wrong[:5])}, which is no {kind}"
        raise DataError("cdp suppress add", got=got, fix="write e-mails with @, phones with country code")
    return list_identifiers(store, suppression, {pair for pairs in found for pair in pairs}, entry)


def list_identifiers(
    store: Store, suppression: SuppressionKey, identifiers: Collection[tuple[str, str]], entry: Entry
) -> int:
    """Put identifiers in normal form, (type, value), on the list; returns how many were not on it yet."""
    key = key_of(suppression)
    hashes = {(keyed_hash(kind, value, key=key), INGEST): kind for kind, value in identifiers}
    known = set(tuples_of(store.fetch(SUPPRESSIONS, SUPPRESSIONS.keys)))
    rows = [
        (*pair, kind, suppression.key_id, entry.at, entry.author, entry.reason)
        for pair, kind in sorted(hashes.items())
        if pair not in known
    ]
    if rows:
        store.append(SUPPRESSIONS, SUPPRESSIONS.table(rows), application=None)
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
