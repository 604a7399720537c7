"""An identifier's normal form and its keyed hash."""

from __future__ import annotations

import hashlib
import hmac
import re

from cdp_spark.ingest.staging.contacts import to_e164

EMAIL, PHONE, EMAIL_SHA256 = "email", "phone", "email_sha256"
SOURCE_RECORD = "source_record"
"""A record of a source, by its record_key: it stays away whatever its row says."""
_LOWER = (EMAIL_SHA256, "device_id")
_FLOAT_TAIL = re.compile(r"^(\d+)\.0$")
_SEPARATORS = re.compile(r"[;,|\s<>\"'()]+")


def normal_values(kind: str, text: str, *, region: str) -> list[tuple[str, str]]:
    """The identifiers that a text holds, in normal form: a cell may list several e-mails.

    Args:
        kind: type of identifier.
        text: as delivered.
        region: country of phones that name none.
    Returns: (type, value) of each: an e-mail in lower case and its SHA-256, a phone in E.164, any other trimmed, and as
        `identifiers` has it.
    """
    if kind == EMAIL:
        emails = [part.lower() for part in _SEPARATORS.split(text) if "@" in part]
        return [pair for email in emails for pair in ((EMAIL, email), (EMAIL_SHA256, sha256(email)))]
    if kind == PHONE:
        number = to_e164(text, region)
        return [(PHONE, number)] if number else []
    value = text.strip()
    values = dict.fromkeys((value.lower() if kind == EMAIL_SHA256 else value, _standard_value(kind, value)))
    return [(kind, it) for it in values if it]


def _standard_value(kind: str, value: str) -> str:
    """What `standardise` makes of an identifier: its spellings differ from source to source."""
    plain = _FLOAT_TAIL.sub(r"\1", value)
    if kind in _LOWER:
        return plain.lower()
    return plain.upper().replace(" ", "").replace("-", "") if kind == "loyalty_id" else plain


def keyed_hash(kind: str, value: str, *, key: bytes) -> str:
    """HMAC-SHA-256 of a type and a value in normal form, in hex: without the key nobody can try values out."""
    return hmac.digest(key, f"{kind}\0{value}".encode(), "sha256").hex()


def sha256(text: str) -> str:
    """Of a value in normal form, as `identifiers` and `consents` have it; in hex."""
    return hashlib.sha256(text.encode()).hexdigest()
