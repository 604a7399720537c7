"""Hashes of rows and keys: SHA-256 of one canonical JSON text, the same on every machine and in every engine."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_LENGTH = 32
"""Hexadecimal characters of a key: 128 bits."""

_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical_json(value: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    """Write a value as JSON: sorted keys, UTF-8, no spaces."""
    return _ENCODER.encode(value)


def sha256(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8, as 64 hexadecimal characters."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def content_hash(row: Mapping[str, str | None]) -> str:
    """Return the SHA-256 of a row's names and values, nulls left out, whatever the order of its columns."""
    return sha256(canonical_json({name: value for name, value in row.items() if value is not None}))


def hash_key(**parts: str) -> str:
    """Return a key made of several named values, as 32 hexadecimal characters."""
    return sha256(canonical_json(parts))[:KEY_LENGTH]


def record_key(source: str, source_record_id: str) -> str:
    """Return the key of a source's record."""
    return hash_key(source=source, source_record_id=source_record_id)
