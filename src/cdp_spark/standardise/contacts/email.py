"""E-mail addresses: the form to write to and the form to recognise a mailbox by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark.standardise.lookup import is_listed_expr, words
from cdp_spark.standardise.placeholders import PLACEHOLDER, is_text_placeholder_expr
from cdp_spark.text import null_if_empty_expr

if TYPE_CHECKING:
    from pyspark.sql import Column

_LETTER = r"a-z0-9\p{L}\p{N}\p{M}"
_LOCAL = rf"[{_LETTER}!#$%&'*+/=?^_`{{|}}~-]++(?:\.[{_LETTER}!#$%&'*+/=?^_`{{|}}~-]++)*+"
_LABEL = rf"[{_LETTER}](?:[{_LETTER}-]{{0,61}}[{_LETTER}])?"
_VALID = rf"^{_LOCAL}@(?:{_LABEL}\.)+(?!\d+$)(?=..){_LABEL}$"
_LONGEST = 254
_LONGEST_LOCAL = 64
_STRAY = " '\"<>()[];,."

_DOTLESS = ("gmail.com", "googlemail.com")
_WITH_PLUS_TAGS = words(
    "outlook.com outlook.de outlook.fr hotmail.com hotmail.co.uk hotmail.de hotmail.fr live.com live.co.uk msn.com "
    "icloud.com me.com mac.com fastmail.com fastmail.fm proton.me protonmail.com pm.me zoho.com"
)
_NOBODY = words(
    "none null na n/a nil unknown test testing tester noreply no-reply no_reply donotreply do-not-reply do_not_reply "
    "noemail no-email no_email noemailaddress nomail no-mail nobody notprovided not-provided fake asdf xxx"
)
_NOBODY_AT = words(
    "a@a.com a@b.com a@b.c aa@aa.com abc@abc.com email@email.com mail@mail.com me@me.com name@name.com no@no.com "
    "user@example.com x@x.com x@y.com xx@xx.com you@example.com"
)


def email_expr(text: Column) -> Column:
    """The address to write to: lower-case, without `mailto:`, display name, brackets and stray punctuation.

    `"Ann Lee" <Ann.Lee+Shop@Gmail.com>` → `ann.lee+shop@gmail.com`; no judgement of validity.
    """
    lower = F.lower(text)
    bare = F.when(lower.contains("<"), F.regexp_extract(lower, "<([^<>]*)>", 1)).otherwise(lower)
    unlinked = F.when(bare.contains("mailto:"), F.regexp_extract(bare, r"mailto:([^?]*)", 1)).otherwise(bare)
    return F.btrim(unlinked, F.lit(_STRAY))


def email_issue_expr(email: Column) -> Column:
    """Why an address cannot be used, or null: placeholder, no_at_sign, too_long, malformed.

    Args:
        email: as `email_expr` gives it.
    """
    return (
        F.when(is_placeholder_email_expr(email), PLACEHOLDER)
        .when(~email.contains("@"), "no_at_sign")
        .when((F.length(email) > _LONGEST) | (F.instr(email, "@") > _LONGEST_LOCAL + 1), "too_long")
        .when(~email.rlike(_VALID), "malformed")
    )


def is_placeholder_email_expr(email: Column) -> Column:
    """True for `noreply@…`, `test@…`, `none@none.com` and their like."""
    local = F.substring_index(email, "@", 1)
    return is_listed_expr(_NOBODY, local) | is_listed_expr(_NOBODY_AT, email) | is_text_placeholder_expr(email)


def email_match_expr(email: Column) -> Column:
    """The mailbox behind an address: dots and plus-tags gone where its provider ignores them.

    `ann.lee+shop@googlemail.com` → `annlee@gmail.com`; `ann+shop@hotmail.com` → `ann@hotmail.com`.
    """
    domain = F.substring_index(email, "@", -1)
    local = F.substring_index(email, "@", 1)
    untagged = F.coalesce(null_if_empty_expr(F.substring_index(local, "+", 1)), local)
    return (
        F.when(domain.isin(*_DOTLESS), F.concat(F.replace(untagged, F.lit(".")), F.lit("@gmail.com")))
        .when(is_listed_expr(_WITH_PLUS_TAGS, domain), F.concat(untagged, F.lit("@"), domain))
        .otherwise(email)
    )
