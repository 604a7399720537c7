"""Countries: the names in use and their ISO 3166 codes."""

from __future__ import annotations

from cdp_spark.normalise.text import words

_CODES = words(
    """
    AC AD AE AF AG AI AL AM AO AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BW BY BZ CA
    CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GT GU GW GY HK HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP
    KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR
    MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PR PS PT PW PY QA RE RO
    RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TA TC TD TG TH TJ TK TL TM TN TO TR TT
    TV TW TZ UA UG US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
    """
)
_NAMES = """
AE are, uae, united arab emirates, emirates
AR arg, argentina
AT aut, austria, österreich, oesterreich, autriche
AU aus, australia, australien
BE bel, belgium, belgië, belgie, belgique, belgien
BG bgr, bulgaria
BR bra, brazil, brasil, brasilien
CA can, canada, kanada
CH che, switzerland, schweiz, suisse, svizzera, swiss
CL chl, chile
CN chn, china, people's republic of china, prc
CO col, colombia
CY cyp, cyprus
CZ cze, czechia, czech republic, česko, tschechien
DE deu, ger, germany, deutschland, allemagne, alemania, germania, duitsland, federal republic of germany
DK dnk, denmark, danmark, dänemark
EE est, estonia, eesti
EG egy, egypt
ES esp, spain, españa, espana, spanien, espagne
FI fin, finland, suomi, finnland
FR fra, france, frankreich, francia
GB uk, gbr, united kingdom, great britain, britain, england, scotland, wales, northern ireland, großbritannien, u.k.
GR el, grc, greece, griechenland, hellas, ελλάδα
HK hkg, hong kong
HR hrv, croatia, hrvatska, kroatien
HU hun, hungary, magyarország, ungarn
ID idn, indonesia
IE irl, ireland, éire, irland, republic of ireland
IL isr, israel
IN ind, india, bharat
IS isl, iceland, island
IT ita, italy, italia, italien, italie
JP jpn, japan, 日本
KE ken, kenya
KR kor, korea, south korea, republic of korea
LT ltu, lithuania, lietuva
LU lux, luxembourg, luxemburg
LV lva, latvia, latvija
MA mar, morocco, maroc
MT mlt, malta
MX mex, mexico, méxico, mexiko
MY mys, malaysia
NG nga, nigeria
NL nld, netherlands, the netherlands, nederland, holland, niederlande, pays-bas
NO nor, norway, norge, norwegen
NZ nzl, new zealand, aotearoa
PE per, peru, perú
PH phl, philippines
PK pak, pakistan
PL pol, poland, polska, polen
PR pri, puerto rico
PT prt, portugal
RO rou, romania, românia, rumänien
RS srb, serbia
RU rus, russia, russian federation, россия, russland
SA sau, saudi arabia
SE swe, sweden, sverige, schweden
SG sgp, singapore
SI svn, slovenia, slovenija
SK svk, slovakia, slovensko, slowakei
TH tha, thailand
TR tur, turkey, türkiye, turkiye, türkei
TW twn, taiwan
UA ukr, ukraine, україна
US usa, u.s., u.s.a., united states, united states of america, america, vereinigte staaten, états-unis
VN vnm, vietnam, viet nam
ZA zaf, south africa, südafrika
"""
_CODE_OF = {code.lower(): code for code in _CODES} | {
    name.strip(): line[:2] for line in _NAMES.strip().splitlines() for name in line[3:].split(",")
}


def country_code(text: str) -> str | None:
    """Return the ISO 3166 two-letter code of a country's code or name; None for any other text."""
    return _CODE_OF.get(text.lower())
