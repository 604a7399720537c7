"""Conditions that no profile can meet."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdp_spark.config.checks.impossible import find_impossible, find_impossible_parts
from cdp_spark.config.load import load_project

_SOURCES = ["crm", "web"]
_CODES = "it holds two-letter codes such as DE."


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("country = 'DE'", []),
        ("country = 'Germany'", [f"country is never 'Germany': {_CODES} Write 'DE'."]),
        ("'Narnia' != account.country", [f"account.country is never 'Narnia': {_CODES}"]),
        ("country in ('DE', 'fr')", [f"country is never 'fr': {_CODES} Write 'FR'."]),
        (
            "not gender = 'female' or city = 'berlin'",
            [
                "gender is never 'female': it holds f, m or x. Write 'f'.",
                "city is never 'berlin': it holds names of cities. Write 'Berlin'.",
            ],
        ),
        ("email = 'Ann@x.org'", ["email is never 'Ann@x.org': it holds e-mails in lower case. Write 'ann@x.org'."]),
        ("contains(sources, 'web') and contains(emails, 'ann@x.org') and contains(city, 'york')", []),
        ("contains(sources, 'tills')", ["there is no source 'tills'. There are: crm, web."]),
        ("contains(emails, 'nobody')", ["emails is never 'nobody': it holds e-mails in lower case."]),
        ("contains(sources, 'wbe')", ["there is no source 'wbe'. Did you mean 'web'?"]),
        ("lower(job_title) = 'CEO' and lower(city) = 'york'", ["lower(…) is never 'CEO'. Write 'ceo'."]),
        ("country like 'Ger%' or family_name = 'germany' or record_count = 3", []),
    ],
)
def test_a_condition_that_can_never_be_true_is_told_with_the_reason(condition: str, told: list[str]) -> None:
    assert list(find_impossible_parts(condition, _SOURCES)) == told


def test_every_segment_is_asked_at_every_depth(project: Path) -> None:
    deep = "name: gold\nmembers: {any: [{not: {where: country = 'Germany'}}, {where: \"contains(sources, 'crm')\"}]}\n"
    (project / "segments" / "gold.yaml").write_text(deep)

    told = find_impossible(load_project(project, env={}))

    assert told == [f"segment gold: country is never 'Germany': {_CODES} Write 'DE'."]
