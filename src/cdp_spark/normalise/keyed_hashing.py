"""An identifier's keyed hash, and a list of such hashes: without the key nobody can try values out."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from cdp_spark.normalise.identifiers import BUILT_IN_FORMS, Forms

EMAIL, PHONE, EMAIL_SHA256 = "email", "phone", "email_sha256"
SOURCE_RECORD = "source_record"
"""A record of a source, by its record_key: it stays away whatever its row says."""


@dataclass(frozen=True)
class SuppressionList:
    """Identifiers that are left out.

    Args:
        key: of the hashes; not shown.
        hashes: of the identifiers.
        kinds: types of identifiers that the list holds; others need not be looked at.
        forms: how types of identifiers are written.
    """

    key: bytes = field(repr=False)
    hashes: frozenset[str]
    kinds: frozenset[str]
    forms: Forms = field(default_factory=lambda: BUILT_IN_FORMS)


def key_name(key_id: str, key: bytes) -> str:
    """Return what entries say of their key: its id, and a check value that another key does not have."""
    return f"{key_id}-{hmac.digest(key, b'check value of a suppression list', 'sha256').hex()[:16]}"


def keyed_hash(kind: str, value: str, *, key: bytes) -> str:
    """Return the HMAC-SHA-256 of a type and a value in normal form, in hexadecimal characters."""
    return hmac.digest(key, f"{kind}\0{value}".encode(), "sha256").hex()
