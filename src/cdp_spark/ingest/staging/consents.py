"""Consents as delivered: which contact point, which purpose, what was said and when.

A refusal (denied, withdrawn) always counts. One whose time is missing, unreadable or still to come counts from the run
in which it first came. One whose contact point or purpose cannot be read is refused with a reason of its own, which
holds exports (`withdrawals.py`), and so is a row with a status that nobody has explained: it may mean a withdrawal. The
frame, which is the row without the contact's cell, tells whether a later delivery brings the same row readable. A
grant that is dated ahead counts from the run, too: it must not outlast what comes after it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.ingest.staging.texts import row_texts, sha256_hex
from cdp_spark.ingest.staging.values import TIME, Meaning, column_values, plausible, time_issue, times, where
from cdp_spark.normalise.batches import map_distinct
from cdp_spark.normalise.hashing import sha256
from cdp_spark.normalise.people.contact_points import read_contact_point, split_cell
from cdp_spark.normalise.text import clean_text, words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.config.source import ConsentFields
    from cdp_spark.ingest.staging.rows import Staging
    from cdp_spark.normalise.people.contact_points import ContactPoint

UNREADABLE_WITHDRAWAL = "unreadable_withdrawal"
"""The reason of a refusal of which nobody knows whose it is, or of what."""

_REFUSED = ("denied", "withdrawn")
_STATUSES = {
    "granted": "granted",
    **dict.fromkeys(words("denied declined refused rejected"), "denied"),
    **dict.fromkeys(
        words("withdrawn withdrew withdrawal revoked unsubscribed unsubscribe opted_out opt_out optout optedout"),
        "withdrawn",
    ),
}
_SEPARATORS = re.compile(r"[\W_]+")


def read_consents(rows: pa.Table, consents: ConsentFields, hashes: pa.Array, staging: Staging) -> Meaning:
    """Read rows as consents.

    Args:
        rows: as delivered.
        consents: what the columns mean.
        hashes: of the rows' content.
        staging: of the source.
    """
    contact, statuses = column_values(rows, consents.contact), _statuses(consents)
    key = _hashes_of_contacts(contact, consents, staging)
    purpose = map_distinct(column_values(rows, consents.purpose), _purpose)
    status = map_distinct(column_values(rows, consents.status), lambda text: _status(text, statuses))
    is_refusal = pc.fill_null(pc.is_in(status, value_set=pa.array(_REFUSED)), fill_value=False)
    at = times(rows, consents.given_at, staging)
    reason = pc.coalesce(
        where(pc.is_null(contact), "null_key"),
        where(pc.is_null(key), "bad_contact"),
        time_issue(at, staging.as_of),
        where(pc.is_null(purpose), "null_purpose"),
        where(pc.is_null(status), "unknown_status"),
    )
    unreadable = where(pc.or_(pc.is_null(key), pc.is_null(purpose)), UNREADABLE_WITHDRAWAL)
    is_unknown = pc.and_(pc.is_null(status), pc.is_valid(column_values(rows, consents.status)))
    granted = pc.coalesce(where(is_unknown, UNREADABLE_WITHDRAWAL), reason)
    extra = {
        c.CONTACT_POINT_TYPE: map_distinct(contact, lambda text: _read_contact(text, consents, staging).kind),
        c.PURPOSE: purpose,
        c.STATUS: status,
        c.EVIDENCE: column_values(rows, consents.evidence)
        if consents.evidence
        else pa.nulls(rows.num_rows, pa.string()),
        c.FRAME_HASH: _frames(rows, consents, is_refusal),
    }
    now = pa.scalar(staging.as_of, TIME)
    until_now = pc.if_else(pc.greater(at, now), now, at)
    dated = pc.if_else(is_refusal, _dated(at, hashes, is_refusal, staging), until_now)
    return Meaning(key, dated, pc.if_else(is_refusal, unreadable, granted), extra, is_refusal)


def status_of(text: str) -> str | None:
    """Return the status that a word stands for without being explained; None for other words."""
    return _status(text, _STATUSES)


def mentions_refusal(consents: ConsentFields, text: str) -> bool:
    """Tell whether a line that cannot be read as a row has a word that denies or withdraws."""
    refusing = {word for word, status in _statuses(consents).items() if status in _REFUSED}
    line = f"_{_snake(text.lower())}_"
    return any(f"_{_snake(word)}_" in line for word in refusing)


def _hashes_of_contacts(contact: pa.Array, consents: ConsentFields, staging: Staging) -> pa.Array:
    def point_hash(text: str) -> str | None:
        value = _read_contact(text, consents, staging).usable
        return value and sha256(value)

    return map_distinct(contact, point_hash, memo=staging.memo("contact"))


def _read_contact(text: str, consents: ConsentFields, staging: Staging) -> ContactPoint:
    """Read a cell; one that lists several spellings of the same contact point has that one."""
    whole = read_contact_point(text, consents.contact_type, staging.region)
    if whole.usable is not None:
        return whole
    points = [read_contact_point(it, consents.contact_type, staging.region) for it in split_cell(text)]
    return points[0] if len({it.usable for it in points}) == 1 else whole


def _statuses(consents: ConsentFields) -> dict[str, str]:
    return _STATUSES | {word.strip().lower(): status for word, status in consents.statuses.items()}


def _status(text: str, statuses: Mapping[str, str]) -> str | None:
    lower = clean_text(text).lower()
    return statuses.get(lower) or statuses.get(_snake(lower))


def _purpose(text: str) -> str | None:
    return _snake(clean_text(text).lower()) or None


def _snake(lower: str) -> str:
    return _SEPARATORS.sub("_", lower).strip("_")


def _dated(at: pa.Array, hashes: pa.Array, is_refusal: pa.Array, staging: Staging) -> pa.Array:
    """Put the time when a refusal first came where it has none of its own, or one still to come."""
    now = pa.scalar(staging.as_of, TIME)
    usable = pc.fill_null(pc.less_equal(plausible(at, staging.as_of), now), fill_value=False)
    undated = np.flatnonzero(pc.and_not(is_refusal, usable))
    known = [staging.undated.get(it, staging.as_of) for it in hashes.take(pa.array(undated)).to_pylist()]
    filled = pa.nulls(len(at), TIME).to_pylist() if len(undated) else []
    for place, time in zip(undated, known, strict=True):
        filled[place] = time
    return pc.if_else(usable, at, pa.array(filled, TIME)) if filled else at


def _frames(rows: pa.Table, consents: ConsentFields, is_refusal: pa.Array) -> pa.Array:
    """Hash a refusal's other cells."""
    if not pc.any(is_refusal).as_py():
        return pa.nulls(rows.num_rows, pa.string())
    others = rows.drop_columns([name for name in (consents.contact,) if name in rows.column_names])
    return pc.if_else(is_refusal, sha256_hex(row_texts(others)), None)
