"""Identifiers in the form in which records are matched by them, and in which they are searched for."""

from __future__ import annotations

import re

from cdp_spark.normalise.codes import read_national_id
from cdp_spark.normalise.contact_points import split_cell
from cdp_spark.normalise.email import in_ascii, mailbox, read_email
from cdp_spark.normalise.hashing import sha256
from cdp_spark.normalise.outcome import NOTHING, Normal
from cdp_spark.normalise.phone import read_phone
from cdp_spark.normalise.placeholders import PLACEHOLDER, is_id_placeholder
from cdp_spark.normalise.text import clean_text, composed, without_float_tail

EMAIL, PHONE, NATIONAL_ID = "email", "phone", "national_id"
EMAIL_SHA256, DEVICE_ID, LOYALTY_ID = "email_sha256", "device_id", "loyalty_id"

_HEX_SHA256 = re.compile(r"[0-9a-f]{64}")
_BETWEEN_EMAILS = re.compile(r'[;,|\s<>"()\[\]]+')
_MAY_HOLD_EMAIL = re.compile(r"@|mailto:|\\u", re.IGNORECASE)
"""The last is how JSON may write an @ in a list."""
_CARD_SPACES = str.maketrans("", "", " -")


def read_identifier(kind: str, text: str) -> Normal:
    """Read an identifier other than an e-mail or a phone.

    Hashes and device ids are lower-case, card numbers have no spaces and dashes, any other is as written.

    Args:
        kind: type of identifier, such as `user_id`.
        text: as received.
    Returns: the identifier, also beside a reason: `placeholder`, `malformed`.
    """
    written = without_float_tail(clean_text(text))
    if not written:
        return NOTHING
    value = _value(kind, written) or None
    if is_id_placeholder(written) or (value != written and is_id_placeholder(value or "")):
        return Normal(value, PLACEHOLDER)
    is_malformed = kind == EMAIL_SHA256 and not _HEX_SHA256.fullmatch(value or "")
    return Normal(value, "malformed" if is_malformed else None)


def _value(kind: str, text: str) -> str:
    if kind in (EMAIL_SHA256, DEVICE_ID):
        return text.lower()
    return composed(text.translate(_CARD_SPACES).upper()) if kind == LOYALTY_ID else text


def email_identifiers(email: Normal) -> list[tuple[str, str, str | None]]:
    """List what an e-mail can be recognised by: its mailbox, and the hashes under which others may know it.

    Others hash the address as written, or the mailbox, each with the domain in its own script or in ASCII.

    Args:
        email: as `read_email` gives it.
    Returns: (type, value, reason) of each; of an e-mail that cannot be used only itself, with the reason.
    """
    address, reason = email
    if address is None:
        return []
    if reason is not None:
        return [(EMAIL, address, reason)]
    box = mailbox(address)
    forms = dict.fromkeys((address, box, in_ascii(address), in_ascii(box)))
    return [(EMAIL, box, None), *((EMAIL_SHA256, sha256(it), None) for it in forms)]


def searched_identifiers(kind: str, text: str, *, region: str) -> list[tuple[str, str]]:
    """List the identifiers to search for where a person types a text or a file delivers it, in the form of matching.

    A placeholder is everybody's, so it is never searched for. A text may hold several e-mails among other words, and
    several phones.

    Args:
        kind: type of identifier.
        text: as received.
        region: ISO country of phones that name none.
    Returns: (type, value) of each, without repetition: an e-mail's mailbox and hashes, a phone in E.164, any other as
        `read_identifier` gives it.
    """
    if kind == EMAIL:
        return list(dict.fromkeys(pair for email in _emails_in(text) for pair in _searched_email(email)))
    if kind == PHONE:
        phones = (read_phone(part, region).usable for part in split_cell(text))
        return [(PHONE, phone) for phone in dict.fromkeys(phones) if phone is not None]
    value, reason = read_national_id(text) if kind == NATIONAL_ID else read_identifier(kind, text)
    return [] if value is None or reason == PLACEHOLDER else [(kind, value)]


def _emails_in(text: str) -> list[Normal]:
    cleaned = clean_text(text)
    if not _MAY_HOLD_EMAIL.search(cleaned):
        return []
    as_cell = [email for part in split_cell(text) if (email := read_email(part)).reason is None]
    return [*(read_email(part) for part in _BETWEEN_EMAILS.split(cleaned) if "@" in part), *as_cell]


def _searched_email(email: Normal) -> list[tuple[str, str]]:
    """List an e-mail's mailbox and hashes; those of one that is malformed, too: somebody may be known by it."""
    address, reason = email
    if address is None or "@" not in address or reason == PLACEHOLDER:
        return []
    return [(kind, value) for kind, value, _ in email_identifiers(Normal(address))]
