"""What the names of real exports' columns tell."""

import pytest

from cdp_spark.standalone.discovery.column_names import LATER, read_column_name


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("Person - Name", "full_name"),
        ("氏名", "full_name"),
        ("姓", "family_name"),
        ("メールアドレス", "email"),
        ("客户姓名", "full_name"),
        ("手机号码", "phone"),
        ("휴대폰 번호", "phone"),
        ("Фамилия", "family_name"),
        ("Эл. почта", "email"),
        ("Όνομα", "given_name"),
        ("الاسم الكامل", "full_name"),
        ("שם פרטי", "given_name"),
        ("นามสกุล", "family_name"),
        ("Soyadı", "family_name"),
        ("Ad", "given_name"),
        ("PSČ", "postcode"),
        ("Keresztnév", "given_name"),
        ("Họ và tên", "full_name"),
        ("Fødselsdato", "birth_date"),
        ("Card Brand", "category"),
        ("Person - Email - Work", "email"),
        ("Person - Phone - Mobile", "phone"),
        ("Person - Organization", "company_name"),
        ("E-mail 2 - Value", "email"),
        ("Additional email addresses", "email"),
        ("Address 1 - Formatted", "address"),
        ("Address 1 - Street", "street"),
        ("Address 1 - City", "city"),
        ("Default Address Address1", "street"),
        ("Default Address Zip", "postcode"),
        ("Country/Region", "country"),
        ("Organization Title", "category"),
        ("Billing First Name", "given_name"),
        ("Rechnungsname", "full_name"),
        ("nom complet", "full_name"),
        ("Business Street 2", "unit"),
        ("First", "given_name"),
        ("LAST", "family_name"),
    ],
)
def test_a_qualified_name_tells_the_meaning(name: str, meaning: str) -> None:
    assert read_column_name(name).meaning == meaning


@pytest.mark.parametrize(
    "name",
    [
        "E-mail 1 - Label",
        "氏名（カナ）",
        "Ad Group",
        "user_id (metadata)",
        "Created (UTC)",
        "Address 1 - Label",
        "Address 1 - PO Box",
        "Tax Exempt",
        "Accepts Email Marketing",
        "Email verified",
        "Phonetic First Name",
        "product_name",
        "campaign name",
        "Tags",
    ],
)
def test_a_name_about_the_value_or_of_a_thing_is_no_meaning(name: str) -> None:
    assert read_column_name(name).meaning is None


@pytest.mark.parametrize(
    "name",
    [
        "Contact owner",
        "担当者名",
        "Person - Owner",
        "Account manager",
        "Parent email",
        "Emergency Contact Phone",
        "Assistant's Phone",
        "Created By",
        "Kundenbetreuer",
        "Nom du responsable",
        "Opiekun",
        "Campaign ID",
        "Filiale",
    ],
)
def test_an_owner_a_parent_and_an_emergency_contact_are_somebody_else(name: str) -> None:
    assert read_column_name(name).somebody is not None


def test_words_for_the_person_are_better_than_those_for_a_role() -> None:
    names = ["First Name", "Customer First Name", "pax First Name", "Billing First Name"]
    assert [read_column_name(name).rank for name in names] == [0, 1, 2, 3]
    assert read_column_name("Name on card").rank == LATER


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("OPTIN_IP", "ip_address"),
        ("IP Address", "ip_address"),
        ("LATITUDE", "coordinate"),
        ("OPTIN_TIME", "time"),
        ("Last Activity Date (GMT+1)", "time"),
        ("LEID", "identifier"),
        ("Merged Contact IDs", "identifier"),
    ],
)
def test_names_of_machines_places_times_and_ids(name: str, kind: str) -> None:
    assert read_column_name(name).kind == kind


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("Geb.-Dat.", "birth_date"),
        ("Data di nascita", "birth_date"),
        ("Data ur.", "birth_date"),
        ("Fecha nac.", "birth_date"),
        ("BDAY", "birth_date"),
        ("Roepnaam", "given_name"),
        ("Woonplaats", "city"),
        ("Huisnr", "house_number"),
        ("Nr domu", "house_number"),
        ("Civico", "house_number"),
        ("Kod poczt.", "postcode"),
        ("C.P.", "postcode"),
        ("Tfno.", "phone"),
        ("Switchboard", "phone"),
        ("WHATSAPP", "phone"),
        ("Telemóvel", "phone"),
        ("TEL;TYPE=CELL,VOICE", "phone"),
        ("EMAIL;TYPE=INTERNET;TYPE=HOME", "email"),
        ("ADR;TYPE=HOME", "address"),
        ("Vers.-Nr.", "national_id"),
        ("番地・建物名", "street"),
        ("رقم الجوال", "phone"),
    ],
)
def test_abbreviations_and_vcard_properties_are_known(name: str, meaning: str) -> None:
    assert read_column_name(name).meaning == meaning


@pytest.mark.parametrize(
    "name", ["Order Number", "Customer No", "Codice cliente", "Nº Cliente", "رقم العميل", "Lp. ID"]
)
def test_a_number_of_a_customer_or_an_order_is_an_id_and_nobodys_name(name: str) -> None:
    found = read_column_name(name)
    assert (found.meaning, found.kind) == (None, "identifier")
