"""What a column's name tells: a meaning, whose it is, and how sure the name is.

1. The name becomes plain words: `E-mail 1 - Value` is e, mail, 1, value.
2. A word for somebody else (owner, manager, parent, emergency contact) makes the whole column somebody else's; so does
   one for what a firm sorts people by (campaign, branch, team) where the name tells no meaning.
3. From the right, the longest run of words that names a meaning is taken: English puts what a thing is last.
4. The words around it say how good the name is: none, or words for the person, are best; words for a role that may be
   another person's (billing, card) come last; words about the value (label, type, verified) make it no such value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from cdp_spark.standalone.discovery.vocabulary import (
    NAMES_ALONE,
    PLAIN_NAMES,
    WHOLE_NAMES,
    meaning_of_words,
    plain_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdp_spark.standalone.discovery.vocabulary import Meaning

Kind = Literal["time", "identifier", "ip_address", "coordinate"]

EXACT, OWN, BESIDE, LATER = range(4)
"""How good a name is: the meaning alone, with words for the person, with unknown words, of another role."""


class ColumnName(NamedTuple):
    """What a name tells.

    Args:
        meaning: what the values are; None where the name does not say.
        rank: how good the name is, the lower the better; of no use without a meaning.
        somebody: the word that says that the values are not the person's own; None where they may be.
        kind: what the values are, where it is nothing of a person.
    """

    meaning: Meaning | None
    rank: int = EXACT
    somebody: str | None = None
    kind: Kind | None = None


_OWN = re.compile(
    "person|contact|customers?|clients?|cust|subscriber|members?|leads?|guest|passenger|patient|donor|student|employee|"
    "attendee|participant|buyer|applicant|tenant|voter|policyholder|primary|main|default|preferred|personal|private|"
    "home|work|business|office|mobile|phone|mail|email|current|values?|full|legal|official|formatted|line|the|of|number|address|account|"
    "kunden?|kontakt|privat|geschaftlich|dienstlich|haupt|personne|personnel|professionnel|cliente?|persona|"
    "principal|principale|klant|klient|kund|osoba|[0-9]+|e|c|additional|merge|fields?|associated"
)
_LATER = re.compile(
    "billing|bill|shipping|ship|delivery|invoice|payer|payment|card|cardholder|holder|recipient|other|alternat(e|ive)|"
    "second(ary)?|old|former|previous|maiden|"
    "rechnungs?\\w*|liefer\\w*|versand\\w*|facturation|livraison|facturacion|envio|fatturazione|spedizione|factuur\\w*|"
    "verzend\\w*|faktur\\w*|leverans\\w*|faturamento|entrega|weitere[rs]?|andere[rs]?|autre|otr[oa]|altr[oa]"
)
_SOMEBODY = re.compile(
    "owners?|managers?|manages|rep|representative|salesperson|salesman|seller|agent|assistants?|assigned|assignee|"
    "supervisor|boss|spouses?|husband|wife|mothers?|fathers?|parents?|guardians?|child|children|emergency|kin|referrer|"
    "doctor|physician|teacher|advisor|adviser|consultant|coach|author|approver|responsible|staff|operator|cashier|"
    "clerk|driver|besitzer(in)?|inhaber(in)?|eigentu(e)?mer(in)?|\\w*betreuer(in)?|\\w*bearbeiter(in)?|"
    "verantwortlich\\w*|zusta(e)?ndig\\w*|vertriebs?\\w*|eltern\\w*|mutter|vater|ehepartner|notfall\\w*|"
    "proprietaire|responsable|commercial|parente?s|urgence|propietari[oa]|gestor|vendedor(a)?|padres|emergencia|"
    "proprietari[oa]|responsabile|venditore|genitor[ei]|emergenza|eigenaar|beheerder|accountmanager|verkoper|ouder|"
    "nood\\w*|wlasciciel|opiekun|agare|ansvarig|saljare|nodkontakt|responsavel|gerente|\\w*kontoinhaber"
)
_ABOUT = re.compile(
    "label|type|kind|status|opt|opted|opt_?in|opt_?out|optin|optout|verified|verification|consent|counts?|source|"
    "subscribed|subscription|format|confirmed|bounced?|bounces|preferences?|permissions?|marketing|unsubscribed?|valid|"
    "validity|quality|score|hash(ed)?|md5|sha256|encrypted|language|locale|po|box|extension|ext|carrier|provider|photo|"
    "picture|notes?|comments?|description|reminder|flag|accepts?|accepted|is|has|opens?|clicks?|sent|received|"
    "phonetic|yomi|prefix|suffix|title|nickname|alias|initials|link|timezone|zone|ids?|uuid|guid|exempt|ip|mac|wallet|"
    "url|department|domain|priority|updated?|created|changed|modified|deals|orders?|size|industry|revenue|employees|"
    "bezeichnung|typ|art|hinweis|einwilligung"
)
_THINGS = re.compile(
    "product|file|campaign|list|event|item|project|course|school|plan|store|shop|brand|host|class|group|team|deal|"
    "pipeline|stage|segment|form|page|user|nick|screen|device|city|street|domain|bank|tag|category|field|table|"
    "produkt|kampagne|projekt|benutzer"
)
"""What has a name without being a person."""
_GROUP = re.compile(
    "campaigns?|campagne|kampagne|campana|campanha|campagna|office|bureau|buro|niederlassung|filiale|branch|team|equipe|"
    "equipo|source|medium|utm|segments?|lists?|pipeline|stage|kostenstelle"
)
"""What the firm sorts people by."""
_COMPOUND = re.compile(
    r"\b(rechnungs?|kunden|versand|liefer|notfall(?:kontakt)?|privat)(?=[a-z]{3})(?!betreuer|nummer)"
)
"""German words that stand before a meaning in one word, such as `Rechnungsname`."""
_VCARD = re.compile(r"[;,](?:type=)?(?:(home|work|cell|fax)|(?:pref|internet|voice|x-\w+))(?![^;,])", re.IGNORECASE)
"""What stands behind a property of a vCard: `TEL;TYPE=CELL,VOICE`."""
_SAYS_NOTHING = frozenset({"s", "metadata", "utc", "gmt"})
_TIME = re.compile(
    "date|time|timestamp|datetime|datum|zeit|fecha|data|created|updated|modified|changed|since|expires|expiry|on|at|"
    "ts|registered|joined|login|seen|activity|angelegt|geandert"
)
_ID = re.compile(
    "ids?|uuid|guid|key|ref|reference|token|hash|leid|euid|[a-z]{1,4}ids?|code|sku|index|nr|num|no|numbers?|nummer|numero|numer|#"
)


def read_column_name(column: str) -> ColumnName:
    """Tell what a column's name says."""
    name = _COMPOUND.sub(r"\1_", plain_name(_VCARD.sub(r" \1 ", column)))
    words = [word for word in name.split("_") if word and word not in _SAYS_NOTHING]
    somebody = next((word for word in words if _SOMEBODY.fullmatch(word)), None) or _by_somebody(words)
    found = _meaning(words, somebody is not None)
    if found is None:
        group = next((word for word in words if _GROUP.fullmatch(word)), None)
        return ColumnName(None, somebody=somebody or group, kind=_kind(words))
    meaning, rank = found
    return ColumnName(meaning, rank, somebody)


def meaning_of_name(column: str) -> Meaning | None:
    """The meaning that a column's name tells, or None; words before or after it, as in `cust_email`, do not matter."""
    return read_column_name(column).meaning


def _by_somebody(words: list[str]) -> str | None:
    return words[-2] + " by" if len(words) > 1 and words[-1] == "by" else None


def _meaning(words: list[str], is_somebodys: bool) -> tuple[Meaning, int] | None:
    for run, around in _runs(words):
        candidates = ("_".join(run), re.sub(r"_?\d+$", "", "_".join(run)))
        meaning = next((found for it in candidates if (found := meaning_of_words(it)) is not None), None)
        if meaning is not None and not any(_ABOUT.fullmatch(word) for word in around):
            return meaning, _rank([*around, *(run if _is_later(run) else [])])
    return _whole_name(words, is_somebodys)


def _runs(words: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Runs of words from the right, the longest first, and the words around each."""
    for end in range(len(words), 0, -1):
        for start in range(end):
            yield words[start:end], words[:start] + words[end:]


def _is_later(run: list[str]) -> bool:
    return any(word in {"maiden", "maidenname", "geburtsname"} for word in run)


def _rank(around: list[str]) -> int:
    if any(_LATER.fullmatch(word) or word == "geburtsname" for word in around):
        return LATER
    if not around:
        return EXACT
    return OWN if all(_OWN.fullmatch(word) for word in around) else BESIDE


def _whole_name(words: list[str], is_somebodys: bool) -> tuple[Meaning, int] | None:
    """A name of the person, such as `Person - Name`; of a product's or a campaign's it is none."""
    if len(words) == 1 and words[0] in NAMES_ALONE:
        return NAMES_ALONE[words[0]], OWN
    if len(words) == 1 and words[0] in WHOLE_NAMES:
        return "full_name", OWN
    around = [word for word in words if word not in PLAIN_NAMES]
    if len(around) == len(words):
        return ("full_name", LATER) if is_somebodys else None
    if any(_ABOUT.fullmatch(word) or _THINGS.fullmatch(word) for word in around):
        return None
    return "full_name", _rank(around)


def _kind(words: list[str]) -> Kind | None:
    if "ip" in words or "ipv4" in words:
        return "ip_address"
    if any(word in {"lat", "latitude", "lon", "lng", "long", "longitude", "geo"} for word in words):
        return "coordinate"
    if any(_TIME.fullmatch(word) for word in words):
        return "time"
    return "identifier" if words and (_ID.fullmatch(words[-1]) or _is_number_of(words)) else None


def _is_number_of(words: list[str]) -> bool:
    """Romance languages put the number first: `Codice cliente`, `Nº de socio`."""
    return len(words) == 2 and words[0] in {"codice", "codigo", "code", "cod", "numero", "n", "no", "nr", "lp", "id"}
