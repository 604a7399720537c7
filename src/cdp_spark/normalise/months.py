"""Months and weekdays in words, in the languages that customer data is kept in.

English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Czech, Swedish, Danish and Norwegian; in any case,
with or without accents.
"""

from __future__ import annotations

from functools import lru_cache

from cdp_spark.normalise.text import match_form, words

_NAMES = (
    "jan january januar jänner janvier enero ene gennaio gen janeiro januari styczeń stycznia sty leden ledna led",
    "feb february februar feber février fév févr febrero febbraio fevereiro fev februari luty lutego lut únor února "
    "úno",
    "mar march märz maerz mrz mars marzo março marco maart mrt marzec marca marts březen března bře mär",
    "apr april avril avr abril abr aprile kwiecień kwietnia kwi duben dubna dub",
    "may mai mayo maggio mag maio mei maj maja květen května kvě",
    "jun june juni juin junio giugno giu junho czerwiec czerwca cze červen června čvn",
    "jul july juli juillet juil julio luglio lug julho lipiec lipca lip červenec července čvc",
    "aug august août aout agosto ago augustus augusti sierpień sierpnia sie srpen srpna srp",
    "sep sept september septembre septiembre setiembre settembre set setembro wrzesień września wrz září zář",
    "oct october okt oktober octobre octubre ottobre ott outubro out październik października paź říjen října říj",
    "nov november novembre noviembre novembro listopad listopada lis",
    "dec december dez dezember décembre déc diciembre dic dicembre dezembro dezember desember des "
    "grudzień grudnia gru prosinec prosince pro",
)
_MONTHS = {match_form(month): number for number, months in enumerate(_NAMES, start=1) for month in words(months)}
_SPELT = frozenset(_MONTHS) | frozenset(month for months in _NAMES for month in words(months))
_WEEKDAYS = frozenset(
    match_form(day)
    for day in words(
        "mon tue tues wed thu thur thurs fri sat sun monday tuesday wednesday thursday friday saturday sunday "
        "mo di mi do fr sa so montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag "
        "lun mar mer jeu ven sam dim lundi mardi mercredi jeudi vendredi samedi dimanche "
        "mié jue vie sáb dom lunes martes miércoles jueves viernes sábado domingo "
        "gio lunedì martedì mercoledì giovedì venerdì sabato domenica segunda terça quarta quinta sexta "
        "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag "
        "poniedziałek wtorek środa czwartek piątek sobota niedziela måndag tisdag onsdag torsdag fredag lördag söndag"
    )
)


@lru_cache(maxsize=1000)
def month_number(word: str) -> int | None:
    """Return 1 to 12; None where the word is no month."""
    return _MONTHS.get(match_form(word))


def is_month(word: str) -> bool:
    """Recognise a month's name quickly, as most texts are none."""
    return word.lower() in _SPELT


def without_weekday(text: str) -> str:
    """Return a text without the weekday that it begins with: `Mon, 12 Mar 1980` becomes `12 Mar 1980`."""
    first, _, rest = text.partition(" ")
    return rest if rest and match_form(first) in _WEEKDAYS else text
