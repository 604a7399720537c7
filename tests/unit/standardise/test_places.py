from __future__ import annotations

from tests.unit.standardise.conftest import Check

from cdp_spark.standardise.places.streets import street_match_expr


def test_streets_compare(check: Check) -> None:
    check(
        street_match_expr,
        {
            "North High Street": "n high st",
            "N. High St.": "n high st",
            "Hauptstraße": "hauptstr",
            "Hauptstr.": "hauptstr",
            "Haupt-Strasse": "haupt str",
        },
    )
