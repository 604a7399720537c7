"""The contact point that a consent is about, normalised and hashed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import phonenumbers
import pyarrow as pa
from pyspark.sql import functions as F
from pyspark.sql import types as T

if TYPE_CHECKING:
    from pyspark.sql import Column

_EMAIL = r"^[^@\s]+@[^@\s]+$"


def contact_type_expr(contact: Column, declared: str) -> Column:
    """`email` or `phone`: as declared, or with `detect` by the @."""
    if declared != "detect":
        return F.lit(declared)
    return F.when(contact.contains("@"), "email").otherwise("phone")


def contact_hash_expr(contact: Column, contact_type: Column, *, region: str) -> Column:
    """Hash a contact point in its normal form, as every other stage does.

    Args:
        contact: the contact point as received.
        contact_type: `email` or `phone`.
        region: ISO country of phones that name none.

    Returns:
        SHA-256 of the trimmed lower-case e-mail or of the phone in E.164; null where it is neither.
    """
    email = F.lower(F.btrim(contact))
    phone = F.when(contact_type == "phone", contact)
    value = F.when(contact_type == "email", F.when(email.rlike(_EMAIL), email)).otherwise(
        _to_e164(phone, F.lit(region))
    )
    return F.sha2(value, 256)


@F.arrow_udf(T.StringType())  # type: ignore[attr-defined,untyped-decorator] # Spark's stubs lack it
def _to_e164(phones: pa.Array, regions: pa.Array) -> pa.Array:
    pairs = zip(phones.to_pylist(), regions.to_pylist(), strict=True)
    return pa.array([to_e164(phone, region) for phone, region in pairs], pa.string())


def to_e164(phone: str | None, region: str) -> str | None:
    """A phone in E.164; None where it is none."""
    if phone is None:
        return None
    try:
        number = phonenumbers.parse(phone, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
