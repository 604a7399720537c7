"""Identifiers in the form in which records are matched by them, and in which they are searched for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from cdp_spark.normalise.hashing import sha256
from cdp_spark.normalise.outcome import NOTHING, Normal
from cdp_spark.normalise.people.codes import read_national_id
from cdp_spark.normalise.people.contact_points import split_cell
from cdp_spark.normalise.people.email import in_ascii, mailbox, read_email
from cdp_spark.normalise.people.phone import read_phone
from cdp_spark.normalise.placeholders import PLACEHOLDER, is_id_placeholder
from cdp_spark.normalise.text import clean_text, composed, without_float_tail

EMAIL, PHONE, NATIONAL_ID = "email", "phone", "national_id"
EMAIL_SHA256, DEVICE_ID, LOYALTY_ID = "email_sha256", "device_id", "loyalty_id"

_BETWEEN_EMAILS = re.compile(r'[;,|\s<>"()\[\]]+')
_MAY_HOLD_EMAIL = re.compile(r"@|mailto:|\\u", re.IGNORECASE)
"""The last is how JSON may write an @ in a list."""
_SEPARATORS = str.maketrans("", "", " -")
_NO_DIGIT = re.compile(r"[^0-9]")

Step = Literal["upper", "lower", "no_separators", "digits"]
"""What brings the spellings of an identifier to one form."""


@dataclass(frozen=True)
class IdentifierForm:
    """How a type of identifier is written.

    Args:
        steps: to its one form, in order.
        pattern: regular expression that the whole of it matches then; None for any text.
    """

    steps: tuple[Step, ...] = ()
    pattern: str | None = None

    def value(self, text: str) -> str:
        """Bring a text to the form."""
        for step in self.steps:
            text = _taken(step, text)
        return text

    def fits(self, value: str) -> bool:
        """Tell whether a value in the form can be an identifier of the type."""
        return self.pattern is None or _compiled(self.pattern).fullmatch(value) is not None


Forms = Mapping[str, IdentifierForm]
"""Type of identifier to its form."""
BUILT_IN_FORMS: Forms = {
    EMAIL_SHA256: IdentifierForm(("lower",), "[0-9a-f]{64}"),
    DEVICE_ID: IdentifierForm(("lower",)),
    LOYALTY_ID: IdentifierForm(("no_separators", "upper")),
}
"""The types without an entry are as written."""
_AS_WRITTEN = IdentifierForm()


def read_identifier(kind: str, text: str, *, forms: Forms = BUILT_IN_FORMS) -> Normal:
    """Read an identifier other than an e-mail or a phone.

    Args:
        kind: type of identifier, such as `user_id`.
        text: as received.
        forms: of the types; one without an entry is as written.
    Returns: the identifier, also beside a reason: `placeholder`, `malformed`.
    """
    written = without_float_tail(clean_text(text))
    if not written:
        return NOTHING
    form = forms.get(kind, _AS_WRITTEN)
    value = form.value(written) or None
    if is_id_placeholder(written) or (value is not None and value != written and is_id_placeholder(value)):
        return Normal(value, PLACEHOLDER)
    return Normal(value, None if value is not None and form.fits(value) else "malformed")


def _taken(step: Step, text: str) -> str:
    if step == "no_separators":
        return text.translate(_SEPARATORS)
    if step == "digits":
        return _NO_DIGIT.sub("", text)
    return composed(text.upper()) if step == "upper" else text.lower()


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


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


def searched_identifiers(kind: str, text: str, *, region: str, forms: Forms = BUILT_IN_FORMS) -> list[tuple[str, str]]:
    """List the identifiers to search for where a person types a text or a file delivers it, in the form of matching.

    A placeholder is everybody's, so it is never searched for. A text may hold several e-mails among other words, and
    several phones.

    Args:
        kind: type of identifier.
        text: as received.
        region: ISO country of phones that name none.
        forms: of the types of identifiers.
    Returns: (type, value) of each, without repetition: an e-mail's mailbox and hashes, a phone in E.164, any other as
        `read_identifier` gives it.
    """
    if kind == EMAIL:
        return list(dict.fromkeys(pair for email in _emails_in(text) for pair in _searched_email(email)))
    if kind == PHONE:
        phones = (read_phone(part, region).usable for part in split_cell(text))
        return [(PHONE, phone) for phone in dict.fromkeys(phones) if phone is not None]
    value, reason = read_national_id(text) if kind == NATIONAL_ID else read_identifier(kind, text, forms=forms)
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
