"""Placeholders: what systems and people write where they have no value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cdp_spark.normalise.hashing import sha256
from cdp_spark.normalise.text import WHITE_SPACE, words

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACEHOLDER = "placeholder"
"""The reason of a value that stands for none."""

NAMELESS = frozenset(
    {
        *words("n/a n.a. n.a #n/a null none unknown undefined missing tbd tba - -- --- . .. ... ? ?? ??? / xx xxx"),
        *words("test testing tester asdf qwerty unbekannt inconnu desconocido keine (null) (none)"),
        *(
            "not available",
            "not provided",
            "not applicable",
            "not known",
            "info requested",
            "no name",
            "no data",
            "do not use",
        ),
    }
)
"""Stand-ins wherever a text is asked for, names included; compared in lower case."""

NAME_PLACEHOLDERS = NAMELESS | {
    *words("anonymous anonym customer kunde firstname lastname surname vorname nachname noname fname lname deleted"),
    *("first name", "last name", "given name", "family name", "test user", "test test", "valued customer"),
}
TEXT_PLACEHOLDERS = NAMELESS | {"na", "nan", "nil"}
"""For texts that are neither names nor codes: `Na`, `Nan` and `Nil` are people's names."""

_NOBODY = frozenset(
    words(
        "guest anonymous anonymus anon null undefined unknown undef none nil nan na void missing empty blank unset "
        "default true false yes no user users client customer visitor member account id ids uid uuid guid userid email "
        "mail distinct distinctid deviceid cookieid device cookie test tester demo dummy placeholder invalid "
        "deleted redacted removed error unassigned unavailable unidentified unauthenticated unregistered unauthorized "
        "inf infinity gast anonym anonymer anonyme anonimo unbekannt invite inconnu invitado desconocido nulo ospite "
        "sconosciuto convidado desconhecido onbekend gość gosc nieznany "
        "匿名 游客 遊客 访客 訪客 未知 ゲスト 不明 гость аноним неизвестно 손님 익명"
    )
)
"""Words that systems write as the id of a user or device that they do not know."""
_NOBODY_TOGETHER = frozenset(
    words(
        "notauthenticated notloggedin notsignedin loggedout signedout notset notavailable notapplicable notfound "
        "notprovided notidentified notregistered notknown notgiven noid nouser nobody noone optout optedout "
        "9774d56d682e549c"
    )
)
"""Several such words, and the device id that an Android release gave to all its devices."""
_HASHED_NOBODY = frozenset(map(sha256, ("", "null", "undefined", "none", "nan", "unknown", "guest", "anonymous")))
_TEMPLATE = re.compile(
    r"\$?\{\{?.*\}|%+[^%]*%+|<[^>]*>|\[(?:object|function)\b.*\]|\$\{?\w+\}?|#[a-z/]+[!?]?", re.IGNORECASE
)
_SEPARATORS = re.compile(r"[\W_]+")
_COUNTED_UP, _COUNTED_DOWN = "123456789", "987654321"


def is_text_placeholder(text: str) -> bool:
    """Recognise `n/a`, `unknown`, `test` and their like."""
    return text.lower() in TEXT_PLACEHOLDERS


def is_name_placeholder(name: str) -> bool:
    """Recognise `unknown`, `first name`, `xxxx` and their like."""
    return name.lower() in NAME_PLACEHOLDERS or is_one_character(name)


def is_one_character(text: str) -> bool:
    """Recognise three or more of the same character."""
    if len(text) < 3:
        return False
    folded = text.lower()
    return folded == folded[0] * len(folded)


def is_number_placeholder(digits: str) -> bool:
    """Recognise `0000000000`, `123456789`, `+49 30 1111111`: one digit repeated, or counted up or down.

    Args:
        digits: a phone number or id without spaces and punctuation.
    """
    return is_one_character(digits[-7:]) or _COUNTED_UP in digits or _COUNTED_DOWN in digits


def is_id_placeholder(value: str) -> bool:
    """Recognise what systems write where they have no id.

    `0`, `-1`, `00000000-0000-…` and `111111`; `guest`, `NaN`, `not_authenticated` and their like in any case;
    `[object Object]`, and templates that nobody filled in, such as `{{user_id}}`.
    """
    plain = value.replace("-", "")
    if not plain.strip("0.") or value == "-1" or (len(plain) >= 6 and is_one_character(plain)):
        return True
    return is_text_placeholder(value) or _TEMPLATE.fullmatch(value) is not None or _names_nobody(value.lower())


def _names_nobody(lower: str) -> bool:
    parts = [part for part in _SEPARATORS.split(lower) if part]
    together = "".join(parts)
    return not parts or all(it in _NOBODY for it in parts) or together in _NOBODY_TOGETHER or lower in _HASHED_NOBODY


def text_issue(text: str) -> str | None:
    """Return `placeholder` or None."""
    return PLACEHOLDER if is_text_placeholder(text) else None


def said(text: str) -> str | None:
    """Return a trimmed text; None where it is blank or a placeholder."""
    trimmed = text.strip(WHITE_SPACE)
    return trimmed if trimmed and not is_text_placeholder(trimmed) else None


def first_said(*texts: str | None) -> str | None:
    """Return the first text that says something, else the first that is there at all."""
    given = [text for text in texts if text is not None]
    return next(_all_said(given), given[0] if given else None)


def joined(separator: str, *texts: str | None) -> str:
    """Glue the texts that say something."""
    return separator.join(_all_said([text for text in texts if text is not None]))


def _all_said(texts: list[str]) -> Iterator[str]:
    return (trimmed for text in texts if (trimmed := said(text)) is not None)
