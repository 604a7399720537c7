"""E-mail addresses: the address to write to, and the mailbox to recognise a person by.

An address that is plain already is taken as it is, in lower case. Any other loses invisible characters, full-width
forms, display name, brackets, `mailto:` with its percent signs, and stray punctuation, and what is left is judged:
placeholder, no @, too long, malformed. The mailbox leaves out what its provider ignores (dots, plus-tags, the
provider's second domain), and has a domain in its own script, whether it was written so or as `xn--…`.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

from cdp_spark.normalise.outcome import NOTHING, Normal
from cdp_spark.normalise.placeholders import PLACEHOLDER, is_text_placeholder
from cdp_spark.normalise.text import clean_text, words

_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]++"
_LABEL = r"[^\W_](?:(?:[^\W_]|-){0,61}[^\W_])?"
_VALID = re.compile(rf"{_ATOM}(?:\.{_ATOM})*+@(?:{_LABEL}\.)+(?![0-9]+\Z)(?=..){_LABEL}")
_PLAIN_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PLAIN = re.compile(rf"[a-z0-9_+-]++(?:\.[a-z0-9_+-]++)*+@(?:{_PLAIN_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])")
"""Addresses that are clean and valid as they are."""
_LONGEST = 254
_LONGEST_LOCAL = 64
_STRAY = " '\"<>()[];,."
_ANGLED = re.compile(r"<([^<>()\[\]]*@[^<>()\[\]]*)")
_ANY_ANGLED = re.compile(r"<([^<>]*)>")
_BRACKETS = re.compile(r"[<>()\[\]]")
_IDEOGRAPHIC_STOP = "\u3002"
_PUNYCODE = "xn--"

_DOTLESS = ("gmail.com", "googlemail.com")
_WITH_PLUS_TAGS = frozenset(
    words(
        "outlook.com outlook.de outlook.fr hotmail.com hotmail.co.uk hotmail.de hotmail.fr live.com live.co.uk msn.com "
        "icloud.com me.com mac.com fastmail.com fastmail.fm proton.me protonmail.com pm.me zoho.com"
    )
)
_NOBODY = frozenset(
    words(
        "none null na n/a nil unknown test testing tester noreply no-reply no_reply donotreply do-not-reply "
        "do_not_reply noemail no-email no_email noemailaddress nomail no-mail nobody notprovided not-provided fake "
        "asdf xxx"
    )
)
_NOBODY_AT = frozenset(
    words(
        "a@a.com a@b.com a@b.c aa@aa.com abc@abc.com email@email.com mail@mail.com me@me.com name@name.com no@no.com "
        "user@example.com x@x.com x@y.com xx@xx.com you@example.com"
    )
)
_SHARED = frozenset(
    words(
        "info sales office contact kontakt contacto contato mail post hello hallo admin administration verwaltung team "
        "service services support help helpdesk hotline buchhaltung rechnung invoice invoices billing accounts "
        "accounting einkauf purchasing order orders bestellung shop store reception empfang rezeption praxis kanzlei "
        "sekretariat secretary zentrale marketing presse press hr jobs career bewerbung vertrieb verkauf ventas "
        "compras administracion commercial comercial contabilidad comptabilite accueil secretariat direction ufficio "
        "vendite amministrazione webmaster postmaster all everyone staff company firma"
    )
)
"""Whom a mailbox of such a name belongs to changes with the day's duty."""
_FAMILY = re.compile(r"(?:(?:die|the|la)[._-]?)?(?:(?:familie|family|famille|familia|famiglia).*|fam(?:[._-].*)?)")
FREE_MAIL_DOMAINS = frozenset(
    words(
        """
    126.com 163.com alice.it aliceadsl.fr aol.com arcor.de att.net bellsouth.net bigpond.com bigpond.net.au bluewin.ch
    bol.com.br btinternet.com charter.net comcast.net cox.net duck.com earthlink.net fastmail.com fastmail.fm
    foxmail.com free.fr freenet.de frontier.com gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net googlemail.com
    hanmail.net hey.com home.nl hotmail.be hotmail.ca hotmail.co.uk hotmail.com hotmail.de hotmail.es hotmail.fr
    hotmail.it hotmail.nl hushmail.com icloud.com inbox.com inbox.lv interia.pl juno.com kpnmail.nl laposte.net
    libero.it list.ru live.be live.ca live.co.uk live.com live.de live.fr live.it live.nl mac.com mail.com mail.ru
    mailbox.org mailinator.com me.com msn.com naver.com neuf.fr o2.pl online.de op.pl optonline.net optusnet.com.au
    orange.fr outlook.com outlook.de outlook.es outlook.fr planet.nl pm.me posteo.de proton.me protonmail.com qq.com
    rambler.ru rediffmail.com rocketmail.com rogers.com sbcglobal.net seznam.cz sfr.fr shaw.ca sina.com sky.com
    skynet.be sympatico.ca t-online.de talktalk.net telenet.be telia.com terra.com.br tin.it tiscali.it tutanota.com
    uol.com.br verizon.net virgilio.it virgin.net virginmedia.com vodafone.de wanadoo.fr web.de windstream.net wp.pl
    xs4all.nl xtra.co.nz yahoo.ca yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.com.au yahoo.com.br yahoo.de
    yahoo.es yahoo.fr yahoo.in yahoo.it yandex.com yandex.ru ymail.com ziggo.nl zoho.com
    """
    )
)
"""Providers of private mailboxes."""


def read_email(text: str) -> Normal:
    """Read an e-mail address: `"Ann Lee" <Ann.Lee+Shop@Gmail.com>` gives `ann.lee+shop@gmail.com`.

    Args:
        text: as received.
    Returns: the address to write to, in lower case; beside a reason (`placeholder`, `no_at_sign`, `too_long`,
        `malformed`), what is left of the text.
    """
    lower = text.lower()
    if _PLAIN.fullmatch(lower) and lower.isascii():
        email = lower
        reason = _too_long(email) if not _is_placeholder(email) else PLACEHOLDER
        return Normal(email, reason)
    cleaned = clean_text(text).lower()
    if not cleaned:
        return NOTHING
    email = _bare(cleaned)
    return Normal(email or cleaned, _issue(email))


def _bare(lower: str) -> str:
    """Take display name, brackets, `mailto:` and stray punctuation off an address."""
    bare = _from_brackets(lower) if _BRACKETS.search(lower) else lower
    if "mailto:" in bare:
        bare = unquote(bare.rpartition("mailto:")[2].partition("?")[0]).lower()
    return bare.replace(_IDEOGRAPHIC_STOP, ".").strip(_STRAY)


def _from_brackets(text: str) -> str:
    """Return the part between brackets that holds the address: the angled one first; without an @, any angled part."""
    angled = _ANGLED.search(text)
    if angled:
        return angled[1]
    if "@" in text:
        return next(part for part in _BRACKETS.split(text) if "@" in part)
    found = _ANY_ANGLED.search(text)
    return found[1] if found else text


def _issue(email: str) -> str | None:
    if _is_placeholder(email):
        return PLACEHOLDER
    if "@" not in email:
        return "no_at_sign"
    return _too_long(email) or (None if _VALID.fullmatch(_without_mark_characters(email)) else "malformed")


def _too_long(email: str) -> str | None:
    return "too_long" if len(email) > _LONGEST or email.index("@") > _LONGEST_LOCAL else None


def _is_placeholder(email: str) -> bool:
    """Recognise `noreply@…`, `test@…`, `none@none.com` and their like."""
    return email.partition("@")[0] in _NOBODY or email in _NOBODY_AT or is_text_placeholder(email)


def _without_mark_characters(text: str) -> str:
    """Put a letter in the place of each combining mark: an address may hold them, and `re` has no class for them."""
    if text.isascii():
        return text
    return "".join("a" if unicodedata.category(it)[0] == "M" else it for it in text)


def mailbox(email: str) -> str:
    """Return the mailbox behind an address, without the dots and plus-tags that its provider ignores.

    `ann.lee+shop@googlemail.com` gives `annlee@gmail.com`; `ann+shop@hotmail.com` gives `ann@hotmail.com`;
    `ann@xn--mnchen-3ya.de` gives `ann@münchen.de`.

    Args:
        email: as `read_email` gives it.
    """
    local, _, domain = email.rpartition("@")
    if domain in _DOTLESS:
        return _untagged(email).replace(".", "") + "@gmail.com"
    if domain in _WITH_PLUS_TAGS:
        return f"{_untagged(email)}@{domain}"
    return f"{local}@{'.'.join(map(_own_script, domain.split('.')))}" if _PUNYCODE in domain else email


def _own_script(label: str) -> str:
    """Decode a label of a domain; one that is no valid punycode stays as it is."""
    if not label.startswith(_PUNYCODE):
        return label
    try:
        text = unicodedata.normalize("NFC", label[len(_PUNYCODE) :].encode("ascii").decode("punycode").lower())
    except UnicodeError:
        return label
    return text if not text.isascii() and re.fullmatch(_LABEL, _without_mark_characters(text)) else label


def in_ascii(email: str) -> str:
    """Return an address with its domain as the mail system knows it: `ann@münchen.de` gives `ann@xn--mnchen-3ya.de`."""
    local, _, domain = email.rpartition("@")
    if domain.isascii():
        return email
    labels = [it if it.isascii() else _PUNYCODE + it.encode("punycode").decode("ascii") for it in domain.split(".")]
    return f"{local}@{'.'.join(labels)}"


def _untagged(email: str) -> str:
    local = email.partition("@")[0]
    return local.partition("+")[0] or local


def is_shared_mailbox(email: str) -> bool:
    """Recognise mailboxes that several people read: `info@`, `sales@`, `familie.lee@` and their like.

    Args:
        email: as `read_email` gives it.
    """
    local = email.partition("@")[0]
    return local in _SHARED or _FAMILY.fullmatch(local) is not None


def email_domain(email: str) -> str | None:
    """Return the company's domain in an address; None for a free-mail provider."""
    domain = email.rpartition("@")[2]
    return None if domain in FREE_MAIL_DOMAINS else domain
