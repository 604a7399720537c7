from __future__ import annotations

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.normalise.strategies import TEXTS

from cdp_spark.normalise.outcome import Normal
from cdp_spark.normalise.people.email import FREE_MAIL_DOMAINS, email_domain, is_shared_mailbox, mailbox, read_email


@pytest.mark.parametrize(
    ("text", "email"),
    {
        "Ann.Lee@Example.COM": "ann.lee@example.com",
        "mailto:ann@x.org?subject=hi": "ann@x.org",
        '"Lee, Ann" <Ann@X.org>': "ann@x.org",
        "'ann@x.org;": "ann@x.org",
        "zoë@müller.de": "zoë@müller.de",
    }.items(),
)
def test_the_address_to_write_to(text: str, email: str) -> None:
    assert read_email(text) == Normal(email)


@pytest.mark.parametrize(
    "text",
    [
        "flo.quy@posting.example",
        "Flo.Quy@Posting.Example",
        "  flo.quy@posting.example\t",
        "flo.quy@posting.example.",
        "flo.quy@posting.example\u200b",
        "\ufeffflo.quy\u00ad@posting.example\u00a0",
        "\u202aflo.quy@posting.example\u202c",
        "ｆｌｏ．ｑｕｙ＠ｐｏｓｔｉｎｇ．ｅｘａｍｐｌｅ",
        "flo.quy@posting。example",
        "mailto:flo.quy@posting.example",
        "MAILTO:flo.quy@posting.example?subject=hi",
        "Flo Quy <flo.quy@posting.example>",
        '"Quy, Flo" <flo.quy@posting.example>',
        '"Flo @ work" <flo.quy@posting.example>',
        '"<Flo>" <flo.quy@posting.example>',
        "Flo <mailto:flo.quy@posting.example>",
        "flo.quy@posting.example <Flo Quy>",
        "flo.quy@posting.example (Flo Quy)",
        "Flo Quy (flo.quy@posting.example)",
        "flo.quy@posting.example [mailto:flo.quy@posting.example]",
        "Flo <flo.quy@posting.example",
        "<flo.quy@posting.example>;",
        "'flo.quy@posting.example'",
    ],
)
def test_every_spelling_leads_to_the_same_address(text: str) -> None:
    assert read_email(text) == Normal("flo.quy@posting.example")


@pytest.mark.parametrize(
    ("text", "reason"),
    {
        "ann@x.org": None,
        "none@none.com": "placeholder",
        "test@test.com": "placeholder",
        "noreply@shop.com": "placeholder",
        "n/a": "placeholder",
        "Ann <none>": "placeholder",
        "ann": "no_at_sign",
        "ann@x": "malformed",
        "a..b@x.org": "malformed",
        "a b@x.org": "malformed",
        "a@b@x.org": "malformed",
        "a@-x.org": "malformed",
        "a@x.1": "malformed",
        f"{'a' * 64}@x.org": None,
        f"{'a' * 65}@x.org": "too_long",
        f"{'ä' * 65}@x.org": "too_long",
        f"a@{'b.' * 126}org": "too_long",
    }.items(),
)
def test_emails_that_cannot_be(text: str, reason: str | None) -> None:
    assert read_email(text).reason == reason


def test_what_cannot_be_used_is_shown() -> None:
    assert read_email("Ann <NoReply@Shop.com>") == Normal("noreply@shop.com", "placeholder")
    assert read_email(" A@X ") == Normal("a@x", "malformed")
    assert read_email("\u200b") == Normal(None)
    assert read_email("<>;") == Normal("<>;", "no_at_sign")


_LOCALS = st.text("abcz09.+-_'!", min_size=1, max_size=8)
_DOMAINS = st.lists(st.text("abz09-", min_size=1, max_size=5), min_size=1, max_size=3)


@settings(max_examples=400)
@given(_LOCALS, _DOMAINS)
def test_emails_are_judged_as_by_the_library(local: str, domain: list[str]) -> None:
    email = f"q{local}@{'.'.join(domain)}.com"
    reason = read_email(email).reason
    if reason == "placeholder" or "--" in email:
        return
    try:
        validate_email(email, check_deliverability=False)
    except EmailNotValidError:
        assert reason is not None
    else:
        assert reason is None


@given(TEXTS, st.sampled_from(["@Gmail.com", "@x.org>", "@hotmail.com (", ">", ""]))
def test_an_email_read_twice_is_the_same(text: str, ending: str) -> None:
    once, reason = read_email(text + ending)
    if once is not None:
        assert read_email(once) == (once, reason)
        if reason is None:
            assert read_email(mailbox(once)).value == mailbox(once) == mailbox(mailbox(once))


@pytest.mark.parametrize(
    ("email", "box"),
    {
        "ann.lee+shop@gmail.com": "annlee@gmail.com",
        "a.n.n@googlemail.com": "ann@gmail.com",
        "ann.lee+shop@hotmail.com": "ann.lee@hotmail.com",
        "ann+shop@icloud.com": "ann@icloud.com",
        "ann.lee+shop@acme.com": "ann.lee+shop@acme.com",
        "+tag@gmail.com": "+tag@gmail.com",
    }.items(),
)
def test_mailboxes(email: str, box: str) -> None:
    assert mailbox(email) == box


def test_a_free_mail_provider_is_no_company() -> None:
    assert email_domain("ann@acme.com") == "acme.com"
    assert email_domain("ann@web.de") is None
    assert "gmail.com" in FREE_MAIL_DOMAINS


@pytest.mark.parametrize(
    "email", ["info@x.org", "familie.lee@gmx.de", "familylee@x.org", "fam@x.org", "die.familie@x.de"]
)
def test_a_mailbox_that_several_read_is_recognised(email: str) -> None:
    assert is_shared_mailbox(email)


@pytest.mark.parametrize("email", ["ann.lee@x.org", "famke@x.nl", "informatik.bob@x.de", "salesh@x.org"])
def test_a_person_s_mailbox_is_not_shared(email: str) -> None:
    assert not is_shared_mailbox(email)
