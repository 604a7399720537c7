"""Columns are recognised by name and by value."""

from collections.abc import Sequence

import pyarrow as pa
import pytest

from cdp_spark.standalone.discovery.column_names import meaning_of_name
from cdp_spark.standalone.discovery.recognise import recognise
from cdp_spark.standalone.discovery.vocabulary import snake_case


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("First Name", "given_name"),
        ("cust_LastName", "family_name"),
        ("Vorname", "given_name"),
        ("nombre", "given_name"),
        ("DateOfBirth", "birth_date"),
        ("geburtsdatum", "birth_date"),
        ("E-Mail", "email"),
        ("email2", "email"),
        ("Telefon", "phone"),
        ("mobile_no", "phone"),
        ("PLZ", "postcode"),
        ("zip_code", "postcode"),
        ("postcode_old", "postcode"),
        ("suburb", "city"),
        ("address_1", "street"),
        ("soc_sec_id", "national_id"),
        ("company", "company_name"),
        ("customer_name", "full_name"),
        ("Prénom", "given_name"),
        ("TÉLÉPHONE", "phone"),
        ("courriel", "email"),
        ("nazwisko", "family_name"),
        ("data_urodzenia", "birth_date"),
        ("website", "domain"),
        ("Handelsregisternummer", "registration_number"),
        ("qzx", None),
    ],
)
def test_meaning_of_name(name: str, meaning: str | None) -> None:
    assert meaning_of_name(name) == meaning


def test_snake_case() -> None:
    assert [snake_case(name) for name in ("DateOfBirth", "Date of birth", "date-of-birth")] == ["date_of_birth"] * 3


def _meanings(**columns: Sequence[str | None]) -> dict[str, str]:
    return {item.column: item.meaning for item in recognise(pa.table(columns))}


def test_values_speak_where_names_do_not() -> None:
    assert _meanings(
        a=["ann@x.org", "bob@y.com", None],
        b=["anna", "robert", "william"],
        c=["1980-05-01", "1975-12-31", "1990-01-02"],
        d=["+49 151 1234567", "+49 30 1234567", "+44 20 79460000"],
    ) == {"a": "email", "b": "given_name", "c": "date", "d": "phone"}


def test_a_name_that_its_values_refute_is_not_believed() -> None:
    (item,) = recognise(pa.table({"email": ["yes", "no", "yes", "no"] * 30}))
    assert item.meaning == "flag"
    assert "its name says email" in item.reason


def test_empty_and_constant_columns_are_ignored() -> None:
    assert _meanings(city=[None, None, None], country=["DE", "DE", "DE"]) == {"city": "ignored", "country": "ignored"}


def test_a_whole_name_beside_its_parts_is_ignored() -> None:
    found = _meanings(name=["ann lee", "bob ray"], first_name=["ann", "bob"], surname=["lee", "ray"])
    assert found == {"name": "ignored", "first_name": "given_name", "surname": "family_name"}


def test_the_fuller_of_two_columns_has_the_meaning() -> None:
    found = _meanings(city=["york", "hull", None], town=["york", "leeds", "hull"])
    assert found == {"city": "text", "town": "city"}


def test_a_date_in_three_columns_is_one_date() -> None:
    parts: dict[str, list[str | None]] = {
        "by": ["1967", "1980", "1944"],
        "bm": ["9", "12", "1"],
        "bd": ["27", "3", "30"],
    }
    names: dict[str, list[str | None]] = {"first_name": ["ann", "bob", "cid"], "last_name": ["lee", "ray", "fox"]}
    found = _meanings(**names, **parts)
    assert [found[name] for name in parts] == ["birth_year", "birth_month", "birth_day"]
    assert "birth_year" not in _meanings(**parts).values(), "nobody is born where nobody has a name"
    known = _meanings(**names, **parts, dob=["1967-09-27", "1980-12-03", "1944-01-30"])
    assert known["dob"] == "birth_date"
    assert "birth_year" not in known.values()


def test_names_of_places_to_eat_are_no_names_of_people() -> None:
    found = _meanings(name=["cafe bizou", "campanile", "the grill", "hotel bel-air", "spago", "jackson & sons"])
    assert found == {"name": "company_name"}
    assert _meanings(name=["ann lee", "zofia nowak", "wei zhang"]) == {"name": "full_name"}


def test_a_column_means_the_same_in_all_sources() -> None:
    few, many = pa.table({"price": ["on request", "sold"]}), pa.table({"price": [f"{n}.50" for n in range(99)] * 5})
    (alone,), (beside,) = recognise(few), recognise(few, beside=[many])
    assert (alone.meaning, beside.meaning) == ("text", "number")


def test_a_sales_person_in_every_row_is_not_the_person() -> None:
    columns: dict[str, list[str | None]] = {
        "Person - Name": ["ann lee", None, "zofia nowak", "wei zhang"],
        "Person - Owner": ["felix brandt", "ines moreau", "felix brandt", "ines moreau"],
    }
    found = _meanings(**columns)
    assert found == {"Person - Name": "full_name", "Person - Owner": "ignored"}


def test_the_better_name_beats_the_fuller_column() -> None:
    columns: dict[str, list[str | None]] = {
        "First Name": ["ann", None, "wei"],
        "Billing First Name": ["anna", "bob", "wei"],
    }
    found = _meanings(**columns)
    assert found == {"First Name": "given_name", "Billing First Name": "text"}


def test_addresses_of_machines_places_ids_and_times_are_no_phones() -> None:
    found = _meanings(
        ip=["203.0.113.40", "198.51.100.7", "192.0.2.55"],
        machine=["203.0.113.41", "198.51.100.8", "192.0.2.56"],
        lat=["48.1372000", "49.0035000", "53.2365000"],
        leid=["222555600", "222555637", "222555674"],
        hit=["4447770001112", "4447770001113", "4447770001114"],
        changed=["1700000000", "1700003600", "1700007200"],
    )
    assert found == {
        "ip": "ip_address",
        "machine": "ip_address",
        "lat": "coordinate",
        "leid": "identifier",
        "hit": "identifier",
        "changed": "date",
    }


def test_yes_and_no_are_no_number_of_anything() -> None:
    found = _meanings(**{"Tax ID": ["yes", "no", "no"], "Phone": ["0", "1", "0"]})
    assert found == {"Tax ID": "flag", "Phone": "flag"}


def test_lists_in_a_cell_are_what_their_values_are() -> None:
    mails = ["a@x.org;b@x.org", "c@x.org ::: d@x.org", '["e@x.org","f@x.org"]']
    (item,) = recognise(pa.table({"Mails": mails}))
    assert (item.meaning, item.profile.several) == ("email", 1.0)


def test_birthdays_without_a_year_and_years_of_birth_are_compared_as_they_are() -> None:
    found = _meanings(Birthday=["08/02", "06/04", "11/28"], name=["ann lee", "bob ray", "cid fox"])
    assert found["Birthday"] == "birthday"
    assert _meanings(birth_year=["1967", "1980", "1944"])["birth_year"] == "birthday"


def test_name_beside_a_given_name_is_the_family_name() -> None:
    assert _meanings(Vorname=["ann", "bob"], Name=["lee", "ray"]) == {"Vorname": "given_name", "Name": "family_name"}


def test_what_is_called_a_date_was_read() -> None:
    (item,) = recognise(pa.table({"dob": ["3/4/1980", "5/6/1981", "23/4/1982", "soon"]}))
    assert item.reason == "named so; 75% of the values are dates; day before month, as 1 values say"
    (item,) = recognise(pa.table({"dob": ["3/4/1980", "5/6/1981", "4/4/1982"]}))
    assert "67% may be day/month or month/day and are not used, see --date-order" in item.reason


def test_a_month_in_words_is_part_of_a_date() -> None:
    parts: dict[str, list[str | None]] = {
        "Geburtstag": ["9", "12", "1"],
        "Geburtsmonat": ["Mai", "Dezember", "März"],
        "Geburtsjahr": ["1967", "1980", "1944"],
    }
    found = _meanings(Vorname=["ann", "bob", "cid"], Nachname=["lee", "ray", "fox"], **parts)
    assert [found[name] for name in parts] == ["birth_day", "birth_month", "birth_year"]


def test_beside_a_company_a_column_of_names_holds_people_also_where_many_have_one_word() -> None:
    names = ["Kovac", "Ann Lee", "Brandt", "Ruiz", "Omar Haddad"] * 4
    companies = ["Acme GmbH", "Initech Ltd", "Umbrella SA", "Hooli AG", "Globex BV"] * 4
    found = recognise(pa.table({"name": names, "company": companies}))
    assert {item.column: item.meaning for item in found} == {"name": "full_name", "company": "company_name"}
    (alone,) = recognise(pa.table({"name": ["Acme GmbH", "Initech", "Umbrella SA", "Hooli", "Globex"] * 4}))
    assert alone.meaning == "company_name"


def test_numbers_of_orders_and_debtors_are_no_phones() -> None:
    found = _meanings(
        **{
            "Order Number": ["12-00001-00003", "12-00002-00006", "12-00003-00009"],
            "Debitor": ["0000100001", "0000100002", "0000100003"],
            "ID": ["1", "2", "3"],
            "Charge": ["cus_9dk3mf", "cus_k3l9sd", "cus_qm4x8z"],
        }
    )
    assert found == {"Order Number": "identifier", "Debitor": "identifier", "ID": "identifier", "Charge": "text"}


def test_addresses_with_the_name_they_show_are_e_mails() -> None:
    assert _meanings(a=["Ann Lee <ann@x.org>", '"Ray, Bob" <bob@y.com>', "mailto:cid@z.net"]) == {"a": "email"}


def test_pages_of_one_site_are_ids_and_sites_of_companies_are_domains() -> None:
    profiles = [f"https://www.people.example/in/person-{number}" for number in range(30)]
    sites = [f"www.firm{number}.example" for number in range(30)]
    assert _meanings(URL=profiles, Website=sites) == {"URL": "identifier", "Website": "domain"}


def test_two_numbered_names_of_one_word_are_a_person_and_those_of_firms_are_not() -> None:
    people = _meanings(**{"Name 1": ["Brandt", "Kovac", "Lee", "Ruiz"], "Name 2": ["Anke", "Jure", "Ann", "Ines"]})
    assert people == {"Name 1": "family_name", "Name 2": "given_name"}
    swapped = _meanings(**{"Name 1": ["Robert", "Mary", "Ann", "James"], "Name 2": ["Brandt", "Kovac", "Lee", "Ruiz"]})
    assert swapped == {"Name 1": "given_name", "Name 2": "family_name"}
    firms = _meanings(**{"Name 1": ["Acme GmbH", "Hooli AG", "Globex KG"], "Name 2": ["Einkauf", "Werk", "Lager"]})
    assert firms["Name 1"] == "company_name"


def test_a_letters_name_beside_a_persons_is_no_company() -> None:
    found = _meanings(
        Forename=["Ann", "Bob", "Cid"],
        Surname=["Lee", "Ray", "Fox"],
        **{"Mailing Name": ["Mr & Mrs A Lee", "Mr B Ray", "Fox & Co"], "Title": ["Mrs", "Mr", "Dr"]},
    )
    assert found["Mailing Name"] == "text"


def test_titles_that_are_forms_of_address_tell_the_gender() -> None:
    assert _meanings(Title=["Mrs", "Mr", "Ms"])["Title"] == "gender"
    assert _meanings(Title=["Buyer", "CEO", "Buyer", "CTO"])["Title"] == "category"


def test_names_as_airlines_write_them_are_whole_names() -> None:
    assert _meanings(**{"PAX NAME": ["MUELLER/HANS MR", "LEE/ANN MRS", "OKAFOR/KOFIMR"]}) == {"PAX NAME": "full_name"}
