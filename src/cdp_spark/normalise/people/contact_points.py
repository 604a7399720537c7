"""Contact points: the one normal form by which consent, suppression, erasure and matching know a mailbox or a number.

Consent also knows a browser by its cookie and an app by its device, whose owner nobody may know.

A cell may list several: they are separated by `;`, `,`, `|`, line breaks or ` ::: `, or stand in a list of JSON.
A comma in a quoted display name (`"Lee, Ann" <ann@x.org>`) separates nothing.
"""

from __future__ import annotations

import json
import re
from typing import Literal, NamedTuple

from cdp_spark.normalise.hashing import sha256
from cdp_spark.normalise.people.email import mailbox, read_email
from cdp_spark.normalise.people.phone import read_phone
from cdp_spark.normalise.placeholders import PLACEHOLDER, is_id_placeholder
from cdp_spark.normalise.text import WHITE_SPACE, clean_text, without_float_tail

EMAIL, PHONE = "email", "phone"
ContactKind = Literal["email", "phone", "cookie_id", "device_id", "detect"]
"""`detect` tells an e-mail from a phone."""

_EXTENSION = r"[;,](?=\s*(?:ext\b|x ?\d))"
"""Of the number before it: `+1 312 555 0180;ext=101`."""
_MAY_LIST = re.compile(r"[\[;,|\r\n:]")
"""Without one of these a cell lists nothing: a quick look that spares most cells the closer ones."""
_SEPARATOR = re.compile(r"[;,|\r\n]|:::")
_VALUE_NAMES = ("value", EMAIL, PHONE, "address", "number")
"""Under which an object in a list has the contact point."""
_VALUES = re.compile(rf'(?:"[^"]*"(?=\s*<)|{_EXTENSION}|[^;,|\r\n])+')


class ContactPoint(NamedTuple):
    """A mailbox or a number; of consents also a cookie or a device.

    Args:
        kind: `email`, `phone`, `cookie_id` or `device_id`.
        value: the mailbox, or the number in E.164 (national digits where no country is known); beside a reason, what
            was read or dialled; None of an empty text.
        reason: why it cannot be used; None where it can.
    """

    kind: str
    value: str | None
    reason: str | None

    @property
    def usable(self) -> str | None:
        """The value, None where there is a reason against it."""
        return self.value if self.reason is None else None


def split_cell(cell: str) -> list[str]:
    """Split a cell into the e-mails or phones that it lists, without white space around them; blank ones are left out.

    Args:
        cell: as received.
    """
    if not _MAY_LIST.search(cell):
        only = cell.strip(WHITE_SPACE)
        return [only] if only else []
    cells = _listed(cell) if cell.lstrip().startswith("[") else [cell]
    values = [value for it in cells for value in (_separated(it) if _SEPARATOR.search(it) else [it])]
    return [stripped for value in values if (stripped := value.strip(WHITE_SPACE))]


def _separated(cell: str) -> list[str]:
    return [value for part in cell.split(":::") for value in _VALUES.findall(part)]


def _listed(cell: str) -> list[str]:
    """The texts and numbers of a list of JSON, also of objects with a `value`; the cell itself where it is none."""
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):
        return [cell]
    if not isinstance(found, list):
        return [cell]
    values = [_named_value(it) if isinstance(it, dict) else it for it in found]
    return [str(value) for value in values if isinstance(value, str | int) and not isinstance(value, bool)]


def _named_value(entry: dict[str, object]) -> object:
    return next((entry[name] for name in _VALUE_NAMES if name in entry), None)


def read_contact_point(text: str, kind: ContactKind, region: str | None) -> ContactPoint:
    """Read one contact point in its normal form.

    Args:
        text: as received, one value.
        kind: what it is; with `detect`, a text with an @ is an e-mail, any other a phone.
        region: ISO country of phones that name none.
    """
    text = clean_text(text)
    if kind in ("cookie_id", "device_id"):
        return _read_device(text, kind)
    if kind == PHONE or (kind != EMAIL and "@" not in text and "mailto:" not in text.lower()):
        return ContactPoint(PHONE, *read_phone(text, region))
    email, reason = read_email(text)
    return ContactPoint(EMAIL, mailbox(email) if email and reason is None else email, reason)


def _read_device(text: str, kind: str) -> ContactPoint:
    """Read a cookie or a device in the form of `contact_point_hash`."""
    value = without_float_tail(text).lower()
    if not value:
        return ContactPoint(kind, None, None)
    return ContactPoint(kind, value, PLACEHOLDER if is_id_placeholder(value) else None)


def contact_point_hash(value: str) -> str:
    """Return the hash under which consents know a clean contact point: that of its mailbox, or of what it is."""
    lower = value.strip().lower()
    return sha256(mailbox(lower) if "@" in lower else lower)
