"""Placeholders: what systems and people write where they have no value."""

from __future__ import annotations

from cdp_spark.normalise.text import words

PLACEHOLDER = "placeholder"
"""The reason of a value that stands for none."""

NAMELESS = frozenset(
    {
        *words("n/a n.a. n.a #n/a null none unknown undefined missing tbd tba - -- --- . .. ... ? ?? ??? / xx xxx"),
        *words("test testing tester asdf qwerty unbekannt inconnu desconocido keine (null) (none)"),
        *("not available", "not provided", "not applicable", "not known", "no name", "no data", "do not use"),
    }
)
"""Stand-ins wherever a text is asked for, names included; compared in lower case."""

NAME_PLACEHOLDERS = NAMELESS | {
    *words("anonymous anonym customer kunde firstname lastname surname vorname nachname noname fname lname deleted"),
    *("first name", "last name", "given name", "family name", "test user", "test test", "valued customer"),
}
TEXT_PLACEHOLDERS = NAMELESS | {"na", "nan", "nil"}
"""For texts that are neither names nor codes: `Na`, `Nan` and `Nil` are people's names."""

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
    """Recognise `0`, `00000000-0000-…`, `111111`, `unknown`: what systems write where they have no id."""
    plain = value.replace("-", "")
    return not plain.strip("0") or (len(plain) >= 6 and is_one_character(plain)) or is_text_placeholder(value)


def text_issue(text: str) -> str | None:
    """Return `placeholder` or None."""
    return PLACEHOLDER if is_text_placeholder(text) else None
