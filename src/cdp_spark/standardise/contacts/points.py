"""A record's contact points: every e-mail and phone that it gives, clean or with the reason why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.standardise.contacts.email import email_expr, email_issue_expr
from cdp_spark.standardise.contacts.phone import (
    dialled_expr,
    parse_phones_expr,
    phone_issue_expr,
    plain_phone_expr,
)
from cdp_spark.standardise.places.countries import country_expr
from cdp_spark.standardise.text import WHITE_SPACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyspark.sql import Column, DataFrame

PHONE_REGION = "phone_region"


def with_plain_phones(df: DataFrame, phones: Sequence[str], *, default_region: str) -> DataFrame:
    """Read the phones that native patterns can: adds phone_region, `<column>_dialled` and `<column>_plain`.

    Args:
        df: texts in the named columns and in country, as received.
        phones: columns with a phone.
        default_region: column with the ISO country of a phone whose row names none.
    """
    if not phones:
        return df
    country = country_expr(F.btrim(c.COUNTRY, F.lit(WHITE_SPACE)))
    dialled = {f"{slot}_dialled": dialled_expr(F.col(slot)) for slot in phones}
    placed = df.withColumns({PHONE_REGION: F.coalesce(country, F.col(default_region)), **dialled})
    return placed.withColumns(
        {f"{slot}_plain": plain_phone_expr(F.col(f"{slot}_dialled"), F.col(PHONE_REGION)) for slot in phones}
    )


def parsed_phones_expr(phones: Sequence[str]) -> Column:
    """What the library makes of the phones that no native pattern could read, in an array.

    Args:
        phones: columns of `with_plain_phones`.
    """
    is_unread = (F.col(f"{slot}_plain").isNull() & F.col(f"{slot}_dialled").isNotNull() for slot in phones)
    unread = [F.when(unread, F.col(slot)) for slot, unread in zip(phones, is_unread, strict=True)]
    return parse_phones_expr(unread, F.col(PHONE_REGION))


def with_contacts(df: DataFrame, *, emails: Sequence[str], phones: Sequence[str], parsed: str) -> DataFrame:
    """Clean the contact points in place and add email, phone, emails and phones, `<column>_issue` beside each.

    Args:
        df: cleaned texts in the columns of e-mails, the phones as `with_plain_phones` leaves them.
        emails: columns with an e-mail, the most trusted first.
        phones: the same for phones; a number that cannot be read shows what was dialled.
        parsed: column with the result of `parsed_phones_expr`.
    """
    mailed = _with_emails(df, emails) if emails else df
    called = _with_phones(mailed, phones, parsed=parsed) if phones else mailed
    listed = called.withColumns({c.EMAILS: _usable_expr(emails), c.PHONES: _usable_expr(phones)})
    return listed.withColumns({c.EMAIL: F.get(c.EMAILS, F.lit(0)), c.PHONE: F.get(c.PHONES, F.lit(0))})


def _with_emails(df: DataFrame, emails: Iterable[str]) -> DataFrame:
    cleaned = df.withColumns({slot: email_expr(F.col(slot)) for slot in emails})
    return cleaned.withColumns({f"{slot}_issue": email_issue_expr(F.col(slot)) for slot in emails})


def _with_phones(df: DataFrame, phones: Sequence[str], *, parsed: str) -> DataFrame:
    numbers = {slot: F.coalesce(F.col(f"{slot}_plain"), F.col(parsed)[at]) for at, slot in enumerate(phones)}
    read = df.withColumns(numbers)
    judged = read.withColumns(
        {f"{slot}_issue": phone_issue_expr(F.col(f"{slot}_dialled"), F.col(slot)) for slot in phones}
    )
    return judged.withColumns(
        {
            slot: F.when(F.col(f"{slot}_issue").isNull(), F.col(slot)).otherwise(F.col(f"{slot}_dialled"))
            for slot in phones
        }
    )


def _usable_expr(slots: Sequence[str]) -> Column:
    """The distinct clean values, in the slots' order."""
    empty = F.array().cast("array<string>")
    if not slots:
        return empty
    usable = [F.when(F.col(f"{slot}_issue").isNull(), F.col(slot)) for slot in slots]
    several = F.array_compact(F.array_distinct(F.array(*usable)))
    return (
        F.when(F.coalesce(*usable[1:]).isNotNull(), several)
        .when(usable[0].isNotNull(), F.array(usable[0]))
        .otherwise(empty)
    )
