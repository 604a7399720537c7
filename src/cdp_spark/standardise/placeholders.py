"""Values that stand for no value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark.standardise.lookup import is_listed_expr, words

if TYPE_CHECKING:
    from pyspark.sql import Column

PLACEHOLDER = "placeholder"

NAMELESS = {
    *words("n/a n.a. n.a #n/a null none unknown undefined missing tbd tba - -- --- . .. ... ? ?? ??? / xx xxx"),
    *words("test testing tester asdf qwerty unbekannt inconnu desconocido keine (null) (none)"),
    *("not available", "not provided", "not applicable", "not known", "no name", "no data", "do not use"),
}
"""Stand-ins wherever a text is asked for, names included; compared in lower case."""

NAME_PLACEHOLDERS = NAMELESS | {
    *words("anonymous anonym customer kunde firstname lastname surname vorname nachname noname fname lname deleted"),
    *("first name", "last name", "given name", "family name", "test user", "test test", "valued customer"),
}
TEXT_PLACEHOLDERS = NAMELESS | {"na", "nan", "nil"}
"""For texts that are neither names nor codes: `Na`, `Nan` and `Nil` are people's names."""

_COUNTED_UP = ("123456789", "987654321")


def is_text_placeholder_expr(text: Column) -> Column:
    """True for `n/a`, `unknown`, `test` and their like."""
    return is_listed_expr(TEXT_PLACEHOLDERS, F.lower(text))


def is_name_placeholder_expr(name: Column) -> Column:
    """True for `unknown`, `first name`, `xxxx` and their like."""
    return is_listed_expr(NAME_PLACEHOLDERS, F.lower(name)) | is_one_character_expr(name)


def is_one_character_expr(text: Column) -> Column:
    """True for three or more of the same character."""
    folded = F.lower(text)
    return (F.char_length(text) >= 3) & (F.replace(folded, F.substring(folded, 1, 1), F.lit("")) == "")


def is_number_placeholder_expr(digits: Column) -> Column:
    """True for `0000000000`, `123456789`, `+49 30 1111111`: one digit repeated, or counted up or down.

    Args:
        digits: a phone number or id without spaces and punctuation.
    """
    repeated = is_one_character_expr(F.right(digits, F.lit(7)))
    return repeated | digits.contains(_COUNTED_UP[0]) | digits.contains(_COUNTED_UP[1])


def is_id_placeholder_expr(value: Column) -> Column:
    """True for `0`, `00000000-0000-…`, `111111`, `unknown`: what systems write where they have no id."""
    plain = F.translate(value, "-", "")
    is_zero = F.translate(plain, "0", "") == ""
    return is_zero | ((F.char_length(plain) >= 6) & is_one_character_expr(plain)) | is_text_placeholder_expr(value)


def text_issue_expr(text: Column) -> Column:
    """`placeholder` or null."""
    return F.when(is_text_placeholder_expr(text), PLACEHOLDER)
