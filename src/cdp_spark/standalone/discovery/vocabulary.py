"""Words by which column names tell what they hold, in the languages that customer data is kept in."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from cdp_spark.normalise.text import words
from cdp_spark.standalone.discovery.scripts import in_latin_words

Meaning = Literal[
    "given_name",
    "middle_name",
    "family_name",
    "full_name",
    "name_suffix",
    "birth_date",
    "birth_year",
    "birth_month",
    "birth_day",
    "date",
    "gender",
    "email",
    "phone",
    "street",
    "house_number",
    "unit",
    "address",
    "city",
    "postcode",
    "region",
    "country",
    "national_id",
    "company_name",
    "domain",
    "registration_number",
    "code",
    "category",
    "text",
    "number",
    "birthday",
    "further_name",
    "identifier",
    "ip_address",
    "coordinate",
    "flag",
    "ignored",
]

_NAMES: tuple[tuple[Meaning, str], ...] = (
    (
        "full_name",
        r"full_?name complete_?name whole_?name first_and_(sur|last)_?name display_?name file_as "
        r"(customer|contact|person|client|patient|holder)_?name nom_complet nom_et_prenoms? "
        r"nombre_(completo|y_apellidos?) nome_completo nome_e_cognome volledige_naam imie_i_nazwisko "
        r"vollstandiger_name fullstandigt_namn (vor_und_nachname|name_vorname|vorname_name) "
        r"(ime_i_prezime|jmeno_a_prijmeni|ad_soyad|adi_soyadi|nume_si_prenume|teljes_nev|ho_(va_)?ten|nama_lengkap)",
    ),
    (
        "given_name",
        r"given_?names?\d? first_?names? fore_?names? christian_?name f_?name vor_?name pre_?nom nombre nome "
        r"voornaam roepnaam fornamn fornavn imie primeiro_nome primer_nombre pierwsze_imie jmeno keresztnev uto_?nev "
        r"prenume etunimi ime adi nama_depan krestni_jmeno onoma",
    ),
    (
        "middle_name",
        r"middle_?(name|initial)s? second_?name m_?name zweitname zweiter_vorname deuxieme_prenom segundo_nombre",
    ),
    ("name_suffix", r"(name_?)?suffix generation"),
    (
        "family_name",
        r"sur_?names? last_?names? family_?names? l_?name nach_?name familien_?name nom(_de_famille)? "
        r"apellidos?(_paternos?)? cognome achternaam efternamn etternavn efternavn nazwisko sobrenome apelido "
        r"maiden_?name geburtsname prijmeni priezvisko vezetek_?nev csaladnev nume sukunimi prezime priimek "
        r"soyadi? soyisim nama_belakang eponymo",
    ),
    (
        "birth_date",
        r"dob d_?o_?b (date|day|year)_?of_?birth birth_?(date|day|dt|year|s?day) bdate geburts(datum|tag) "
        r"(date_(de_)?|ne_)naiss(ance)? (fecha|fec|f|data|dt)_((de|di|da)_)?(nac(imiento)?|nasc(imento)?|nascita) "
        r"data_ur(odz(enia)?)? bday geb_?(dat|datum|tag) geb(oren)?_(am|op) geboren nato_il "
        r"geboortedatum fodelsedatum fodselsdato compleanno cumpleanos aniversario anniversaire verjaardag "
        r"urodziny born(_on)? datum_(narozeni|narodenia|rodenja|rojstva) szuletesi_(datum|ido) data_nasterii "
        r"syntyma(aika|paiva) dogum_tarihi tanggal_lahir ngay_sinh",
    ),
    (
        "gender",
        r"gender sex geschlecht sexe sexo salutation anrede civilite pohlavi pohlavie nem sukupuoli spol cinsiyet "
        r"jenis_kelamin gioi_tinh plec kon kjonn geslacht genere genero sesso geschl aanhef social_title",
    ),
    (
        "email",
        r"e_?mails?(_?(address(es)?|addr|adres(sen?)?|id))? mail courriels? correos?(_electronicos?)? poczta e_?post "
        r"e_?maily posta_elettronica sahkoposti e_?posta(_adresi)? epost",
    ),
    (
        "phone",
        r"(tele)?phones?(_?(no|num|numbers?|nr))? tel(efon|efono|efoon|_?no|_?nr)? mobile?(_?(phone|no|number))? "
        r"cell(_?phone)? handy(nummer)? (mobil_?)?telefonnummer telefoonnummer portable movil celular cellulare "
        r"telefone komorka mobilnummer numero_de_telephone numero_de_telefono numer_telefonu contact_?number "
        r"fax(_?(no|number|nr))? telefonszam puhelin(numero)? telefon_?(numarasi|no)? (nomor|no)_(telepon|hp) "
        r"telepon dien_thoai so_dien_thoai mobil(telefon)? matkapuhelin cep_telefonu telefonni_cislo "
        r"switchboard (direct|land)_?(dial|line)s?(_?(no|num|number|nr))? (whatsapp|sms)(_?(no|num|number|nr))? gsm "
        r"tfno tlfn?o? fon[oe]? telemovel mobiel(nummer)? (telefoon|mobiel|mobil|tel)_?nr nr_tel(efonu)? "
        r"festnetz(nummer)? rufnummer durchwahl zentrale",
    ),
    (
        "house_number",
        r"(street|house|building|str)_?(no|num|number|nr) (haus|huis|hus)_?(n(umme)?r|nummer) numero "
        r"(numero_|n_)?civico nr_domu numer_domu",
    ),
    (
        "unit",
        r"unit apt apartment flat suite address_?(line_?)?[23] addr_?[23] street_?[23] extended_?address "
        r"toev(oeging)? adresszusatz nr_(lokalu|mieszkania) complement(o|_d_?adresse)?",
    ),
    (
        "street",
        r"street(_?(name|address))? address_?(line_?)?1 addr_?1 str(asse)? strasse rue calle via road ulica rua "
        r"straat gatuadress ulice utca katuosoite cadde sokak strada gade(navn)? vej gata jalan",
    ),
    (
        "address",
        r"address full_?address postal_?address mailing_?address address_\d+_formatted addr adresse anschrift "
        r"direccion endereco indirizzo adres residence adresa cim osoite adresi? alamat dia_chi adress "
        r"adr morada domicilio",
    ),
    (
        "postcode",
        r"(post(al)?|zip)_?(code|cd)? zip plz c_?p cod(e|igo|ice)?_postale? kod_poczt(owy)? cep cap psc iranyitoszam "
        r"postinumero postanski_broj postna_stevilka posta_kodu kode_pos postnr postnummer postleitzahl",
    ),
    (
        "city",
        r"city town suburb locality ort stadt ville ciudad place municipality birth_?place place_of_birth plaats "
        r"comune miasto miejscowosc cidade localidad poblacion citta mesto mestu varos oras kaupunki sehir kota "
        r"thanh_pho stad poststed bynavn "
        r"woonplaats plaatsnaam wohnort gemeente localidade localita commune municipio concelho",
    ),
    (
        "region",
        r"state region province county bundesland departement territory kraj_?region vojvodstvo wojewodztwo megye "
        r"judet maakunta zupanija provinsi tinh provincia estado distrito",
    ),
    (
        "country",
        r"country(_?(code|name))? country_(or_)?region cc land pays pais paese kraj nation(ality)? zeme orszag "
        r"tara maa drzava ulke negara quoc_gia",
    ),
    (
        "national_id",
        r"(soc(ial)?_?sec(urity)?|national|tax|fiscal|passport|id_?card|identity|insurance)"
        r"(_?(id|no|num|number|nr|code))? "
        r"ssn nino nin tin vat(_?(id|no|number))? nhs(_?no)? bsn cpf dni nie nif pesel aadhaar codice_fiscale rfc curp "
        r"personnummer (vers|versicherten|sozialversicherungs|steuer|ahv|sv)_?(nr|nummer|id)",
    ),
    (
        "registration_number",
        r"(registration|register|company|commercial_register|trade_register|organi[sz]ation|org|business)"
        r"_?(no|num|number|nr|id)(_?(no|num|number|nr))? "
        r"handelsregister(nummer)? hrb siren siret kvk krs regon abn ein duns lei cnpj "
        r"(eu_?)?ust_?id(_?nr)? (partita|p)_iva nip cif",
    ),
    ("domain", r"domain(_?name)? web_?(site|page|address)? home_?page url internet site_web pagina_web"),
    (
        "company_name",
        r"compan(y|ies)(_?name)? organi[sz]ation(_?name)? org(_?name)? business(_?name)? employer firma "
        r"firm(_?name)? firmenname unternehmen societe empresa azienda bedrijf foretag entreprise account_?name "
        r"legal_?name trading_?name manufacturer brand venue spolecnost spolocnost ceg(nev)? companie yritys "
        r"tvrtka podjetje sirket perusahaan cong_ty firmanavn virksomhed "
        r"ragione_sociale raz(on|ao)_social raison_sociale bedrijfsnaam nazwa_firmy arbeitgeber",
    ),
    (
        "category",
        r"occupation job(_?title)? profession type category status title industry "
        r"(credit_?)?card_?(brand|type|network|issuer)",
    ),
)
"""Meaning to the patterns of its names, apart by spaces; the first that fits wins."""

PLAIN_NAMES = frozenset({"name", "names", "naam", "nome", "namn", "navn", "nev", "nimi", "nama", "isim", "onoma"})
WHOLE_NAMES = frozenset(
    words(
        "customer person contact client guest patient passenger donor attendee participant member pupil student kunde "
        "gast mitglied teilnehmer spender schuler cliente paziente paciente klant klient"
    )
)
"""Names of whole names: `name` also beside other words, the others alone only."""
NAMES_ALONE: dict[str, Meaning] = {
    "first": "given_name",
    "last": "family_name",
    "middle": "middle_name",
    "geb": "birth_date",
    "ad": "given_name",
    "ten": "given_name",
    "ho": "family_name",
    "by": "city",
    "grad": "city",
    "il": "city",
}
"""Names of columns that say enough where nothing stands beside them."""

_COMPILED = tuple((meaning, re.compile(pattern.replace(" ", "|"))) for meaning, pattern in _NAMES)

_LETTERS = str.maketrans({"ß": "ss", "ł": "l", "Ł": "l", "ı": "i", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "æ": "ae"})
"""Letters that are no letter with an accent."""


def meaning_of_words(name: str) -> Meaning | None:
    """Return the meaning that a plain name tells as it is, without a word before or after it."""
    return next((meaning for meaning, pattern in _COMPILED if pattern.fullmatch(name)), None)


def snake_case(name: str) -> str:
    """`DateOfBirth`, `Date of birth` and `date-of-birth` all become `date_of_birth`."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name.strip())
    return re.sub(r"[^0-9a-zäöüéèàçñ]+", "_", spaced.lower()).strip("_")


def plain_name(column: str) -> str:
    """The name in snake case without accents: `Prénom` and `TÉLÉPHONE` become `prenom` and `telephone`.

    Words in other scripts become those that are known here: `メールアドレス` becomes `email`.
    """
    letters = unicodedata.normalize("NFD", in_latin_words(column).translate(_LETTERS))
    return snake_case("".join(letter for letter in letters if not unicodedata.combining(letter)))
