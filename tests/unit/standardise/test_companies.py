from __future__ import annotations

from tests.unit.standardise.conftest import Check

from cdp_spark.standardise.companies.companies import company_core_expr, figure_expr, figure_issue_expr


def test_company_cores(check: Check) -> None:
    check(
        company_core_expr,
        {
            "The Acme & Söhne GmbH & Co. KG": "acme sohne",
            "ACME, Inc.": "acme",
            "Foo B.V.": "foo",
            "Société Générale S.A.": "societe generale",
            "Kone Oyj": "kone",
            "Limited": "limited",
            "Novo Nordisk A/S": "novo nordisk",
            "Bäckerei Lang e.K.": "backerei lang",
            "Otto Lang e.Kfm.": "otto lang",
            "Lang Aktiengesellschaft": "lang",
            "Lang Gesellschaft mit beschränkter Haftung": "lang",
            "Lang Gesellschaft mit beschraenkter Haftung & Co. Kommanditgesellschaft": "lang",
            "Lang UG (haftungsbeschränkt)": "lang",
            "Lux S.à r.l.": "lux",
            "Nokia Oy": "nokia",
            "Volvo AB": "volvo",
            "Żabka Sp. z o.o.": "zabka",
            "Żabka Spółka z ograniczoną odpowiedzialnością": "zabka",
            "Rio Pty Ltd": "rio",
            "Rio Proprietary Limited": "rio",
            "Baker LLP": "baker",
            "Baker Public Limited Company": "baker",
            "Aktiengesellschaft": "aktiengesellschaft",
        },
    )


def test_figures(check: Check) -> None:
    check(
        figure_expr,
        {
            "1200": 1200.0,
            "1,200": 1200.0,
            "1.200": 1200.0,
            "€ 1.200.000,50": 1200000.5,
            "$1,200.50": 1200.5,
            "3.5M": 3500000.0,
            "51-200": 51.0,
            "10,000+": 10000.0,
            "many": None,
        },
    )
    check(figure_issue_expr, {"1200": None, "n/a": "placeholder", "many": "malformed"})
