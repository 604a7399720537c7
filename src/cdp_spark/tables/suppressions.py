"""The suppression list: identifiers that ingest leaves out and that nothing is sent to, as keyed hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.errors import ConfigError, StateError
from cdp_spark.normalise.keyed_hashing import SuppressionList, key_name
from cdp_spark.tables.catalog import SUPPRESSIONS
from cdp_spark.tables.manifest.manifest import damaged_table
from cdp_spark.tables.rows import texts, tuples_of

if TYPE_CHECKING:
    from cdp_spark.config.project import Project, SuppressionKey
    from cdp_spark.tables.store import Store

INGEST = "ingest"
MINIMUM_KEY_LENGTH = 16


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


def key_of(suppression: SuppressionKey) -> bytes:
    """The key's bytes.

    Raises:
        ConfigError: it is too short to keep anybody from trying values out.
    """
    if len(suppression.secret_key) < MINIMUM_KEY_LENGTH:
        got, allowed = "a key that is too short", f"{MINIMUM_KEY_LENGTH} characters or more"
        raise ConfigError("project.yaml: suppression.secret_key", got=got, allowed=allowed, fix="openssl rand -hex 32")
    return str(suppression.secret_key).encode()
