"""What a column is in an event or a consent, told by its name: `kunden_nr` is a customer's number, `ts` a time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cdp_spark.normalise.text import words
from cdp_spark.standalone.discovery.vocabulary import plain_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cdp_spark.config.mapping import IdentifierType

_NUMBER = r"_?(id|no|num|nr|number|nummer|key|code)"

IDENTIFIERS: tuple[tuple[IdentifierType, re.Pattern[str]], ...] = (
    ("cookie_id", re.compile(r".*cookie.*|(visitor|anonymous|anon|browser|ga_client)_?id|ga_?id")),
    ("device_id", re.compile(r".*device.*|idf[av]|[ga]aid|installation_?id")),
    ("loyalty_id", re.compile(rf".*(loyalty|bonus).*|.*(card|karte|karten){_NUMBER}|(kunden)?karte")),
    (
        "user_id",
        re.compile(
            rf"(shop_|web_)?(user|customer|cust|client|kunden?|kd|member|mitglieds?|account|buyer|subscriber|login){_NUMBER}"
            r"|uid|customer|kunde|login"
        ),
    ),
)
"""Type of identifier to the names of its columns, the narrowest first."""

USER = re.compile(r"(web_|shop_)?user_?(id|name)?|uid|login(_?id)?")
EVENT_TYPE = re.compile(r"event(_?(type|name))?|action|activity|ereignis(_?(typ|art))?|vorgang|aktion|type|typ")
EVENT_ID = re.compile(
    r"(order|bestell|bestellungs?|auftrags?|invoice|rechnungs?|transaction|receipt|beleg|bon|purchase|event|message)"
    rf"{_NUMBER}|bon|order|event_?uuid|bestellung"
)
LINE = re.compile(r"(line|pos|position|zeile|item|artikel)(_?(id|no|num|nr|number|nummer|pos))?|pos_?nr")
OF_A_PURCHASE = re.compile(
    r".*(amount|total|betrag|summe|gesamt|umsatz|price|preis|quantity|menge|anzahl|sku|produkt|product|artikel|"
    r"warenwert|revenue|currency|wahrung|waehrung).*"
)
OCCURRED = re.compile(
    r".*(occurred|ordered|placed|event_?(time|date|at)|order_?(date|time)|purchase_?(date|time)|bestell_?(datum|zeit)|"
    r"kauf_?(datum|zeit)|rechnungs_?datum|timestamp|zeitstempel|zeitpunkt|sent_?at).*|ts|time|zeit|datum|date|at|when"
)
OBSERVED = re.compile(
    r".*(updated|changed|modified|geandert|geaendert|aenderung|anderung|last_?(update|change|modification)|stand).*"
)
CREATED = re.compile(r".*(created|registered|angelegt|erstellt|signup|sign_?up|joined|since|seit).*")
STATUS = re.compile(
    r".*(status|consent|decision|opt_?(in|out)|einwilligung|zustimmung|permission|granted|erlaubnis|state|answer).*"
)
PURPOSE = re.compile(r".*(purpose|zweck|channel|kanal|topic|thema|list|liste|subscription|category|kategorie).*")
CONTACT = re.compile(r".*(contact|kontakt|recipient|empfanger|empfaenger|e_?mail|mail|phone|telefon|mobil).*")
EVIDENCE = re.compile(r".*(evidence|nachweis|proof|quelle|source|origin|herkunft|form|ip).*")
OWN_ID = re.compile(r".*?(id|no|num|nr|number|nummer|key|uuid|guid|code|handle|ref)\d?")
JOB_TITLE = re.compile(r"job(_?title)?|position|profession|beruf|occupation|funktion|role")
OF_COMPANIES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "industry",
        re.compile(
            r"industr(y|ie|ia)|branche|wirtschaftszweig|sector(_de_actividad)?|secteur(_d_activite)?|activite|actividad"
        ),
    ),
    (
        "employees",
        re.compile(
            r"((number|no|num)_of_)?employees|employee_?(count|range)|head_?count|staff|company_size|"
            r"(anzahl_)?mitarbeiter(_?(an)?zahl)?|beschaftigte(nzahl)?|unternehmensgrosse|effectifs?|salaries|"
            r"nombre_(de_salaries|d_employes)|taille_(de_l_)?entreprise|(numero_de_|n_)?empleados|plantilla|"
            r"tamano_(de_la_)?empresa"
        ),
    ),
    (
        "revenue",
        re.compile(
            r"((annual|yearly)_)?(revenues?|turnover|sales)(_(eur|usd|gbp|chf))?|(jahres)?umsatz(_(eur|chf))?|"
            r"chiffre_d_?affaires(_annuel)?|ca_annuel|facturacion(_anual)?|ingresos(_anuales)?|ventas_anuales"
        ),
    ),
    ("revenue_currency", re.compile(r"(revenue|turnover|umsatz)_?(currency|wahrung)|currency|wahrung|devise|moneda")),
    (
        "legal_form",
        re.compile(r"legal_(form|entity_type)|rechtsform|forme_(juridique|legale|sociale)|forma_(juridica|legal)"),
    ),
    (
        "registration_number",
        re.compile(
            r"handelsregister_?(nr|nummer|eintrag)|register_?(nr|nummer)|(numero_|n_)?(siren|siret|rcs)|"
            r"numero_d_immatriculation|cif|numero_de_registro|registro_mercantil"
        ),
    ),
    ("domain", re.compile(r"web_?seite|internet_?(seite|adresse)|site_(web|internet)|sitio_web|pagina_web")),
    (
        "owner",
        re.compile(
            r"((account|record|company|customer)_?)?(owner|manager)(_?(e_?mail|name))?|key_account_?manager|"
            r"sales_?(rep|person|owner)|(kunden|account)?betreuer(in)?|verantwortliche[rs]?|charge_de_(compte|clientele)|"
            r"responsable(_(de_compte|commercial|de_cuenta))?|proprietaire(_du_compte)?|commercial|"
            r"propietari[oa](_de_la_cuenta)?|gestor(_de_cuenta)?|comercial"
        ),
    ),
    (
        "parent_account",
        re.compile(
            r"parent(_?(account|company|organi[sz]ation))?(_?(id|no|nr|number|key|name))?|"
            r"mutter(gesellschaft|konzern|unternehmen|firma)|konzern(mutter)?|"
            r"ubergeordnete[rs]?_(account|firma|gesellschaft|konto|unternehmen)|(societe|maison|entreprise)_mere|"
            r"compte_parent|(empresa|sociedad|casa)_matriz|matriz|cuenta_(principal|matriz)"
        ),
    ),
)
"""Meaning to the names of columns in files of companies."""
OF_EVENTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "value",
        re.compile(
            r"((order|cart|grand|net|gross|line|event)_?)?(total|amount|value|sum|revenue)(_(gross|net|paid|eur|gbp|usd))?"
            r"|(gesamt|bestell|rechnungs|brutto|netto)?_?(betrag|summe|preis_gesamt|wert)|warenwert|umsatz|gesamt|gesamtpreis"
        ),
    ),
    ("price", re.compile(r"(unit_?|item_?|single_?|piece_?)?price(_(eur|gbp|usd))?|(einzel|stuck|stueck)?_?preis")),
    ("currency", re.compile(r"currency(_?code)?|wahrung|waehrung")),
    ("quantity", re.compile(r"quantity|qty|pieces|units|count|menge|anzahl|stuck|stueck")),
    (
        "product_id",
        re.compile(r"(product|item|article|artikel|produkt)_?(id|no|nr|number|nummer|sku|code)|sku|product|ean"),
    ),
    ("category", re.compile(r"(product_?|item_?)?category|(waren|produkt)_?(gruppe|kategorie)|kategorie")),
    ("campaign", re.compile(r"(utm_)?campaign(_?(id|name))?|kampagne")),
    ("url", re.compile(r"(page_?|event_?)?url|page_?location")),
)
"""What else an event says to the names of its columns; of several columns the first."""
NUMBERS = ("value", "price", "quantity")
STATUS_WORDS = {
    **dict.fromkeys(words("yes ja y j true 1 subscribed opted_in opt_in optin optedin erteilt zugestimmt"), "granted"),
    **dict.fromkeys(words("active aktiv angemeldet in"), "granted"),
    **dict.fromkeys(words("no nein n false 0 abgelehnt verweigert inactive inaktiv"), "denied"),
    **dict.fromkeys(words("widerrufen zuruckgezogen zurueckgezogen abgemeldet abbestellt out"), "withdrawn"),
}
"""Words for a status that a consents source must explain, and what they probably mean."""


def identifier_of(column: str) -> IdentifierType | None:
    """Return the type of identifier that a column's name tells."""
    name = plain_name(column)
    return next((kind for kind, pattern in IDENTIFIERS if pattern.fullmatch(name)), None)


def matching(pattern: re.Pattern[str], columns: Iterable[str]) -> list[str]:
    """Return the columns whose name a pattern fits, in their order."""
    return [column for column in columns if pattern.fullmatch(plain_name(column))]
