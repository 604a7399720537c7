"""Internet domains: a company's own, and the providers whose addresses say nothing about an employer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark.standardise.lookup import is_listed_expr, words

if TYPE_CHECKING:
    from pyspark.sql import Column

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

_VALID = r"^(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.)+\p{L}[\p{L}\p{N}-]*[\p{L}\p{N}]$"
_BEFORE_HOST = r"^(?:mailto:|(?:[a-z][a-z0-9+.-]*:)?//)?(?:[^/@]*@)?(?:www\d?\.)?"
_AFTER_HOST = r"\.?(?:[/:?#].*)?$"


def domain_expr(text: Column) -> Column:
    """The host of a URL or of an e-mail address: `https://www.Acme.com/about` → `acme.com`."""
    host = F.regexp_replace(F.lower(text), _BEFORE_HOST, "")
    return F.regexp_replace(host, _AFTER_HOST, "")


def domain_issue_expr(domain: Column) -> Column:
    """Why a domain says nothing of a company, or null: free_mail, malformed."""
    return F.when(is_free_mail_expr(domain), "free_mail").when(~domain.rlike(_VALID), "malformed")


def is_free_mail_expr(domain: Column) -> Column:
    """True for a provider of private mailboxes."""
    return is_listed_expr(FREE_MAIL_DOMAINS, domain)


def email_domain_expr(email: Column) -> Column:
    """The company's domain in an e-mail address, null for a free-mail provider."""
    domain = F.substring_index(email, "@", -1)
    return F.when(~is_free_mail_expr(domain), domain)
