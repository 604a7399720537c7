"""A record's contact points: every e-mail and phone in its cells, and what it can be recognised by.

A cell may hold several. All usable ones are kept, distinct, the most trusted cell first; the first is the attribute.
Those that cannot be used give an issue and an identifier with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.normalise.batches import map_encoded, map_row_fields
from cdp_spark.normalise.identifiers import email_identifiers, read_identifier
from cdp_spark.normalise.people.contact_points import split_cell
from cdp_spark.normalise.people.countries import country_code
from cdp_spark.normalise.people.email import email_domain, read_email
from cdp_spark.normalise.people.phone import read_phone
from cdp_spark.standardise.cells import Batch, has_values, one_value, read_origin

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from cdp_spark.config.source import Meaning
    from cdp_spark.normalise.outcome import Normal

IDENTIFIER = pa.struct([(c.TYPE, pa.string()), (c.VALUE, pa.string()), (c.REASON, pa.string())])
_TEXTS = pa.list_(pa.string())
_FIELDS = (pa.string(), _TEXTS, _TEXTS, pa.list_(IDENTIFIER))


@dataclass(frozen=True)
class Contacts:
    """The e-mails or the phones of a batch.

    Args:
        values: the attribute with the first and the one with all.
        issues: lists of a row's issues; None where there is no cell.
        identifiers: lists of a row's identifiers; None where there is no cell.
        domain: the company's domain in the first e-mail.
    """

    values: dict[str, pa.Array] = field(default_factory=dict)
    issues: pa.Array | None = None
    identifiers: pa.Array | None = None
    domain: pa.Array | None = None


def read_emails(batch: Batch, hashes: pa.DictionaryArray | None) -> Contacts:
    """Read the e-mails of a batch.

    Args:
        batch: rows of one source.
        hashes: clean texts of e-mails that the source delivers hashed; None where it has none.
    """
    cells = _read_cells(batch, "email")
    columns = cells if hashes is None else [*cells, hashes]
    if not columns:
        return Contacts()
    count = len(cells)

    def read(*texts: str | None) -> tuple[Any, ...]:
        emails = _read_texts(texts[:count], read_email)
        identifiers: list[tuple[str, str | None, str | None]] = []
        for email in emails:
            identifiers += email_identifiers(email)
        for text in texts[count:]:
            if text is not None:
                identifiers.append((c.EMAIL_SHA256, *read_identifier(c.EMAIL_SHA256, text)))
        first, usable, issues = _judged("email", emails)
        domain = None if first is None else email_domain(first)
        return first, usable, issues, dict.fromkeys(identifiers), domain

    email, emails, issues, identifiers, domain = map_row_fields(columns, read, (*_FIELDS, pa.string()))
    return Contacts({c.EMAIL: email, c.EMAILS: emails}, issues, identifiers, domain)


def read_phones(batch: Batch, countries: pa.DictionaryArray | None) -> Contacts:
    """Read the phones of a batch.

    Args:
        batch: rows of one source.
        countries: clean texts in which the rows name their country, by which a national number is read.
    """
    cells = _read_cells(batch, "phone")
    if not cells:
        return Contacts()
    default = batch.mapping.default_region
    regions = None if countries is None else map_encoded(countries, country_code, memo=batch.remembered(country_code))
    if regions is not None and one_value(regions):
        default, regions = regions.dictionary[0].as_py() or default, None
    count = len(cells)
    reader_of = cache(lambda region: partial(read_phone, region=region))

    def read(*texts: str | None) -> tuple[Any, ...]:
        region = (texts[count] if len(texts) > count else None) or default
        phones = _read_texts(texts[:count], reader_of(region))
        identifiers = dict.fromkeys((c.PHONE, value, reason) for value, reason in phones)
        return *_judged("phone", phones), identifiers

    phone, phones, issues, identifiers = map_row_fields(
        [*cells, *([] if regions is None else [regions])], read, _FIELDS
    )
    return Contacts({c.PHONE: phone, c.PHONES: phones}, issues, identifiers)


def _read_cells(batch: Batch, contact: Meaning) -> list[pa.DictionaryArray]:
    cells = (read_origin(batch, origin) for origin in batch.mapping.contact_mappings(contact))
    return [column for column in cells if column is not None and has_values(column)]


def _read_texts(cells: Iterable[str | None], read: Callable[[str], Normal]) -> list[Normal]:
    found = []
    for cell in cells:
        if cell is not None:
            found += [it for it in map(read, split_cell(cell)) if it.value is not None]
    return found


def _judged(contact: str, found: Sequence[Normal]) -> tuple[str | None, Collection[str], Sequence[str]]:
    """Part contact points into the first usable one, all usable ones, and the issues of the others."""
    if len(found) == 1 and found[0].reason is None and found[0].value is not None:
        return found[0].value, (found[0].value,), ()
    usable = dict.fromkeys(value for value, reason in found if reason is None and value is not None)
    issues = [f"{contact}:{reason}" for _, reason in found if reason is not None]
    return next(iter(usable), None), usable, issues
