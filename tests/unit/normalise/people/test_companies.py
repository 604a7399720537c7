from __future__ import annotations

import pytest
from hypothesis import given
from tests.unit.normalise.strategies import TEXTS

from cdp_spark.normalise.outcome import Normal
from cdp_spark.normalise.people.companies import (
    Figure,
    company_core,
    currency_of_figure,
    read_company_name,
    read_currency,
    read_domain,
    read_figure,
    read_legal_form,
    read_owner,
    read_registration_number,
)
from cdp_spark.normalise.people.email import FREE_MAIL_DOMAINS


@pytest.mark.parametrize(
    ("name", "core"),
    [
        ("The Acme & Söhne GmbH & Co. KG", "acme sohne"),
        ("Acme und Söhne GmbH", "acme sohne"),
        ("Pérez y Hijos S.L.", "perez hijos"),
        ("Y Combinator", "y combinator"),
        ("ACME, Inc.", "acme"),
        ("Foo B.V.", "foo"),
        ("Société Générale S.A.", "societe generale"),
        ("Kone Oyj", "kone"),
        ("Limited", "limited"),
        ("The Limited", "limited"),
        ("The", "the"),
        ("Novo Nordisk A/S", "novo nordisk"),
        ("Bäckerei Lang e.K.", "backerei lang"),
        ("Otto Lang e.Kfm.", "otto lang"),
        ("Lang Aktiengesellschaft", "lang"),
        ("Lang Gesellschaft mit beschränkter Haftung", "lang"),
        ("Lang Gesellschaft mit beschraenkter Haftung & Co. Kommanditgesellschaft", "lang"),
        ("Lang Kommanditgesellschaft auf Aktien", "lang"),
        ("Lang Gesellschaft buergerlichen Rechts", "lang"),
        ("Lang UG (haftungsbeschränkt)", "lang"),
        ("Lux S.à r.l.", "lux"),
        ("Nokia Oy", "nokia"),
        ("Volvo AB", "volvo"),
        ("Żabka Sp. z o.o.", "zabka"),
        ("Żabka Spółka z ograniczoną odpowiedzialnością", "zabka"),
        ("Rio Pty Ltd", "rio"),
        ("Rio Proprietary Limited", "rio"),
        ("Baker LLP", "baker"),
        ("Baker Public Limited Company", "baker"),
        ("Aktiengesellschaft", "aktiengesellschaft"),
        ("Acme", "acme"),
        ("...", None),
    ],
)
def test_a_core_is_the_name_without_its_legal_form(name: str, core: str | None) -> None:
    assert company_core(name) == core


def test_company_names_stay_as_they_are() -> None:
    assert read_company_name("ACME, Inc.") == Normal("ACME, Inc.")
    assert read_company_name("xxxx") == read_company_name("n/a") == Normal(None, "placeholder")


@pytest.mark.parametrize(
    ("text", "figure"),
    [
        ("1200", 1200.0),
        ("1,200", 1200.0),
        ("1.200", 1200.0),
        ("€ 1.200.000,50", 1200000.5),
        ("$1,200.50", 1200.5),
        ("0,5", 0.5),
        ("3.5M", 3500000.0),
        ("2 mrd", 2e9),
        ("51-200", 51.0),
        ("10,000+", 10000.0),
        ("1 200 EUR", 1200.0),
        ("über 500 Mitarbeiter", 500.0),
        ("more than 1,000 employees", 1000.0),
        ("entre 51 et 200 salariés", 51.0),
        ("de 11 a 50 empleados", 11.0),
        ("<10", 10.0),
        ("1,2 Mio. €", 1200000.0),
        ("5 millions d'euros", 5e6),
        ("3 mil millones de euros", 3e9),
        ("5 Mrd. Euro p.a.", 5e9),
    ],
)
def test_figures_are_read_as_written(text: str, figure: float) -> None:
    assert read_figure(text) == Figure(figure)


def test_a_figure_that_cannot_be_read_says_why() -> None:
    assert read_figure("n/a") == Figure(None, "placeholder")
    assert read_figure("many") == read_figure("1.2.3") == read_figure("-5") == Figure(None, "malformed")


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("1,2 Mio. €", "EUR"),
        ("12 Millionen Euro", "EUR"),
        ("5 millions d'euros", "EUR"),
        ("USD 5M", "USD"),
        ("US$ 3.5bn", "USD"),
        ("CHF 200'000", "CHF"),
        ("$5M", None),
        ("5 MIO", None),
        ("1200", None),
    ],
)
def test_the_currency_of_a_figure_is_the_one_that_it_names(text: str, currency: str | None) -> None:
    assert currency_of_figure(text) == currency


def test_a_currency_is_a_code_or_the_sign_of_one() -> None:
    assert read_currency("eur") == read_currency("€") == Normal("EUR")
    assert read_currency("$") == read_currency("dollars") == Normal(None, "malformed")
    assert read_currency("n/a") == Normal(None, "placeholder")


def test_a_legal_form_is_spelt_as_names_tell_it() -> None:
    assert read_legal_form("G.m.b.H.") == read_legal_form("Gesellschaft mbH") == Normal("gmbh")
    assert read_legal_form("Stiftung") == Normal("Stiftung")
    assert read_legal_form("n/a") == Normal(None, "placeholder")


def test_an_owner_is_a_mailbox_or_a_name() -> None:
    assert read_owner("Ann.Lee@Vendor.example") == Normal("ann.lee@vendor.example")
    assert read_owner("Ann Lee") == Normal("Ann Lee")
    assert read_owner("n/a") == Normal(None, "placeholder")


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("https://www.Acme.com/about?x=1", "acme.com"),
        ("ann@acme.com", "acme.com"),
        ("acme.co.uk:8080", "acme.co.uk"),
        ("ACME.com.", "acme.com"),
        ("http://acme.com./x", "acme.com"),
        ("mailto:ann@acme.com", "acme.com"),
        ("//www.acme.com#top", "acme.com"),
        ("www2.acme.com", "acme.com"),
        ("müller-söhne.de", "müller-söhne.de"),
    ],
)
def test_a_domain_is_the_host(text: str, domain: str) -> None:
    assert read_domain(text) == Normal(domain)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ann@gmail.com", "free_mail"),
        ("n/a", "placeholder"),
        ("acme", "malformed"),
        ("acme..com", "malformed"),
        ("-acme.com", "malformed"),
        ("acme.c", "malformed"),
        ("acme.1a", "malformed"),
        ("a b.com", "malformed"),
        ("https://", "malformed"),
        (f"{'a' * 64}.com", "malformed"),
    ],
)
def test_a_domain_that_says_nothing_of_a_company_says_why(text: str, reason: str) -> None:
    assert read_domain(text) == Normal(None, reason)


def test_no_account_has_a_free_mail_domain() -> None:
    assert {read_domain(domain).reason for domain in FREE_MAIL_DOMAINS} == {"free_mail"}


def test_registration_numbers_are_letters_and_digits() -> None:
    assert read_registration_number("hrb 12-345").usable == "HRB12345"
    assert read_registration_number("12").reason == "too_short"


@given(TEXTS)
def test_no_text_is_too_odd(text: str) -> None:
    core = company_core(text)
    assert core is None or core
    read_figure(text)
    currency_of_figure(text)
    domain = read_domain(text).usable
    assert domain is None or read_domain(domain).reason in (None, "malformed")
