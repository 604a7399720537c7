"""Files for ad platforms: each value in the form that the platform documents, then its SHA-256.

The platforms hash what their users typed in the same way and compare. Their hashes have no salt: who has a list of
addresses finds them again, so such a file is personal data.
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256
from typing import TYPE_CHECKING

import pyarrow as pa

from cdp_spark.normalise.people.names import split_suffix, without_title

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Form = Callable[[dict[str, str]], str]
    """Gives a value in the platform's form, of a profile's values as text; empty where there is none."""

_GMAIL = ("gmail.com", "googlemail.com")
_US_POSTCODE = 5
_STATE_LETTERS = 2


def _google_email(row: dict[str, str]) -> str:
    local, at, domain = "".join(row["email"].lower().split()).rpartition("@")
    if domain in _GMAIL:
        local = local.partition("+")[0].replace(".", "")
    return f"{local}{at}{domain}"


def _google_phone(row: dict[str, str]) -> str:
    digits = re.sub(r"\D", "", row["phone"])
    return f"+{digits}" if digits else ""


def _google_name(column: str) -> Form:
    return lambda row: without_title(split_suffix(row[column].strip())[0]).strip().lower()


def _as_it_is(column: str) -> Form:
    return lambda row: row[column].strip()


def _meta_phone(row: dict[str, str]) -> str:
    return re.sub(r"\D", "", row["phone"]).lstrip("0")


def _letters(column: str) -> Form:
    """Lower case without punctuation and blanks around; marks and other scripts stay."""

    def form(row: dict[str, str]) -> str:
        kept = (it for it in row[column].lower() if unicodedata.category(it)[0] not in "PSC")
        return " ".join("".join(kept).split())

    return form


def _latin(column: str) -> Form:
    return lambda row: re.sub(r"[^a-z]", "", row[column].lower())


def _meta_state(row: dict[str, str]) -> str:
    letters = _latin("region")(row)
    return letters if len(letters) == _STATE_LETTERS else ""


def _meta_postcode(row: dict[str, str]) -> str:
    code = "".join(row["postcode"].lower().split())
    return code.replace("-", "")[:_US_POSTCODE] if row.get("country", "").upper() == "US" else code


def _meta_gender(row: dict[str, str]) -> str:
    return row["gender"].strip().lower()[:1].replace("u", "").replace("x", "")


_GOOGLE: dict[str, tuple[str, Form, bool]] = {
    "email": ("Email", _google_email, True),
    "phone": ("Phone", _google_phone, True),
    "given_name": ("First Name", _google_name("given_name"), True),
    "family_name": ("Last Name", _google_name("family_name"), True),
    "country": ("Country", _as_it_is("country"), False),
    "postcode": ("Zip", _as_it_is("postcode"), False),
}
_META: dict[str, tuple[str, Form, bool]] = {
    "email": ("email", lambda row: row["email"].strip().lower(), True),
    "phone": ("phone", _meta_phone, True),
    "given_name": ("fn", _letters("given_name"), True),
    "family_name": ("ln", _letters("family_name"), True),
    "country": ("country", _latin("country"), True),
    "postcode": ("zip", _meta_postcode, True),
    "city": ("ct", _latin("city"), True),
    "region": ("st", _meta_state, True),
    "birth_date": ("dob", lambda row: row["birth_date"].replace("-", ""), True),
    "gender": ("gen", _meta_gender, True),
}
FORMS = {"google_customer_match": _GOOGLE, "meta_audience": _META}
"""Of each kind: for a profile's column the platform's, its form, and whether it is hashed."""


def audience_columns(kind: str, columns: Sequence[str]) -> list[str]:
    """Name the file's columns for a profile's."""
    return [FORMS[kind][name][0] for name in columns]


def hash_audience(rows: pa.Table, *, kind: str) -> pa.Table:
    """Put each value into the platform's form and hash it; what is empty stays empty.

    Args:
        rows: of profiles, with the columns to be sent.
        kind: of the destination.
    """
    texts = [{name: "" if it is None else str(it) for name, it in row.items()} for row in rows.to_pylist()]
    made = {}
    for column in rows.column_names:
        name, form, is_hashed = FORMS[kind][column]
        values = [form(row) or None for row in texts]
        hashed = [sha256(it.encode()).hexdigest() if it and is_hashed else it for it in values]
        made[name] = pa.array(hashed, pa.string())
    return pa.table(made)
