from __future__ import annotations

import re

import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F
from tests.unit.standardise.conftest import Check, Evaluate
from tests.unit.standardise.test_text import TEXTS

from cdp_spark.standardise.contacts.domains import domain_expr, domain_issue_expr, email_domain_expr
from cdp_spark.standardise.contacts.email import email_expr, email_issue_expr, email_match_expr
from cdp_spark.standardise.contacts.phone import dialled_expr, parse_phone, phone_issue_expr, plain_phone_expr
from cdp_spark.standardise.contacts.plans import COUNTRY_CODES, SUBSCRIBERS


def test_emails(check: Check) -> None:
    check(
        email_expr,
        {
            "Ann.Lee@Example.COM": "ann.lee@example.com",
            "mailto:ann@x.org?subject=hi": "ann@x.org",
            '"Lee, Ann" <Ann@X.org>': "ann@x.org",
            "'ann@x.org;": "ann@x.org",
        },
    )


def test_mailboxes(check: Check) -> None:
    check(
        email_match_expr,
        {
            "ann.lee+shop@gmail.com": "annlee@gmail.com",
            "a.n.n@googlemail.com": "ann@gmail.com",
            "ann.lee+shop@hotmail.com": "ann.lee@hotmail.com",
            "ann+shop@icloud.com": "ann@icloud.com",
            "ann.lee+shop@acme.com": "ann.lee+shop@acme.com",
            "+tag@gmail.com": "+tag@gmail.com",
        },
    )


def test_emails_that_cannot_be(check: Check) -> None:
    check(
        email_issue_expr,
        {
            "ann@x.org": None,
            "zoë@müller.de": None,
            "none@none.com": "placeholder",
            "test@test.com": "placeholder",
            "noreply@shop.com": "placeholder",
            "n/a": "placeholder",
            "ann": "no_at_sign",
            "ann@x": "malformed",
            "a..b@x.org": "malformed",
            ".a@x.org": "malformed",
            "a b@x.org": "malformed",
            "a@b@x.org": "malformed",
            "a@-x.org": "malformed",
            "a@x.1": "malformed",
            f"{'a' * 65}@x.org": "too_long",
        },
    )


_LOCALS = st.text("abcz09.+-_'!", min_size=1, max_size=8)
_DOMAINS = st.lists(st.text("abz09-", min_size=1, max_size=5), min_size=1, max_size=3)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.tuples(_LOCALS, _DOMAINS), min_size=100, max_size=200))
def test_emails_are_judged_as_by_the_library(evaluate: Evaluate, parts: list[tuple[str, list[str]]]) -> None:
    emails = [f"q{local}@{'.'.join(domain)}.com" for local, domain in parts]

    def is_valid(email: str) -> bool:
        try:
            validate_email(email, check_deliverability=False)
        except EmailNotValidError:
            return False
        return True

    judged = evaluate(email_issue_expr, emails)
    library = [is_valid(email) for email in emails]
    differing = [
        email
        for email, issue, valid in zip(emails, judged, library, strict=True)
        if (issue is None) != valid and issue != "placeholder" and "--" not in email
    ]
    assert differing == []


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXTS, min_size=50, max_size=200))
def test_an_email_cleaned_twice_is_the_same(evaluate: Evaluate, texts: list[str]) -> None:
    once = evaluate(email_expr, [f"{text}@Gmail.com" for text in texts])
    assert evaluate(email_expr, [str(email) for email in once]) == once
    mailboxes = evaluate(email_match_expr, [str(email) for email in once])
    assert evaluate(email_match_expr, [str(mailbox) for mailbox in mailboxes]) == mailboxes


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("(650) 253-0000", "US", "+16502530000"),
        ("650 253 0000 ext. 12", "US", "+16502530000"),
        ("+44 (0)20 7946 0958", "DE", "+442079460958"),
        ("0171 1234567", "DE", "+491711234567"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("12", "US", "too_short"),
        ("12", "DE", "too_short"),
        ("0005897997", "DE", "malformed"),
        ("27265549475", "US", "too_long"),
        ("650253000000000000", "US", "too_long"),
        ("253 0000", "US", "no_area_code"),
        ("030 1234567", None, "no_country"),
        ("call me", "US", "not_a_number"),
    ],
)
def test_the_library_reads_phones(text: str, region: str | None, expected: str) -> None:
    assert parse_phone(text, region) == expected


@given(TEXTS, st.sampled_from([*COUNTRY_CODES, "JP", None]))
def test_the_library_never_fails(text: str, region: str | None) -> None:
    parsed = parse_phone(text, region)
    assert not parsed.startswith("+") or parse_phone(parsed, None) == parsed


def test_plain_phones(check: Check) -> None:
    def german(text: Column) -> Column:
        return plain_phone_expr(dialled_expr(text), F.lit("DE"))

    check(
        german,
        {
            "0171 1234567": "+491711234567",
            "0049 171 1234567": "+491711234567",
            "+1 (650) 253-0000": "+16502530000",
            "+44 (0)20 7946 0958": None,
            "171 1234567": None,
            "x": None,
        },
    )

    def nowhere(text: Column) -> Column:
        return plain_phone_expr(dialled_expr(text), F.lit(None).cast("string"))

    check(nowhere, {"030-1234567": "0301234567", "+49301234567": "+49301234567", "12": None})


@st.composite
def _phones(draw: st.DrawFn) -> tuple[str, str]:
    """A number of a common plan as one might write it in any region, and the region."""
    region = draw(st.sampled_from(sorted(COUNTRY_CODES)))
    code = draw(st.one_of(st.just(COUNTRY_CODES[region]), st.sampled_from(sorted(SUBSCRIBERS))))
    subscriber = draw(st.from_regex(re.compile(SUBSCRIBERS[code], re.ASCII), fullmatch=True))
    return draw(st.sampled_from([f"+{code}", f"00{code}", code, "0", ""])) + subscriber, region


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(numbers=st.lists(_phones(), min_size=200, max_size=400, unique=True))
def test_native_and_library_agree(spark: SparkSession, numbers: list[tuple[str, str]]) -> None:
    """Wherever the native patterns give a number, the library gives the same one."""
    rows = spark.createDataFrame(numbers, "text string, region string").coalesce(1)
    plain = plain_phone_expr(dialled_expr(F.col("text")), F.col("region"))
    read = rows.withColumn("plain", plain).where("plain is not null").collect()
    assert [row for row in read if parse_phone(row["text"], row["region"]) != row["plain"]] == []


def test_every_common_plan_is_read_natively(check: Check) -> None:
    examples = {f"+{code}{_example(code)}": f"+{code}{_example(code)}" for code in SUBSCRIBERS}
    check(lambda text: plain_phone_expr(dialled_expr(text), F.lit("DE")), examples)


def _example(code: str) -> str:
    region = phonenumbers.region_code_for_country_code(int(code))
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    assert example is not None
    return str(example.national_number)


def test_phones_that_cannot_be(check: Check) -> None:
    check(
        lambda phone: phone_issue_expr(phone, phone),
        {"+491711234567": None, "0301234567": None, "too_short": "too_short", "0000000000": "placeholder"},
    )


def test_domains(check: Check) -> None:
    check(
        domain_expr,
        {
            "https://www.Acme.com/about?x=1": "acme.com",
            "ann@acme.com": "acme.com",
            "acme.co.uk:8080": "acme.co.uk",
            "ACME.com.": "acme.com",
            "http://acme.com./x": "acme.com",
            "mailto:ann@acme.com": "acme.com",
            "//www.acme.com#top": "acme.com",
        },
    )
    check(domain_issue_expr, {"acme.com": None, "gmail.com": "free_mail", "acme": "malformed"})
    check(email_domain_expr, {"ann@acme.com": "acme.com", "ann@web.de": None})
