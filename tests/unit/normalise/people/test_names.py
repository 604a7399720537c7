from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.normalise.strategies import TEXTS

from cdp_spark.normalise.people.names import (
    NamePart,
    full_name,
    name_case,
    name_issue,
    read_full_name,
    read_name,
    read_suffix,
    split_full_name,
    split_suffix,
    without_title,
)
from cdp_spark.normalise.people.nicknames import nickname_roots
from cdp_spark.normalise.text import clean_text


@pytest.mark.parametrize(
    ("name", "untitled"),
    {
        "Mr. John": "John",
        "Herr Prof. Dr. Hans": "Hans",
        "Frau Dipl.-Ing. Eva": "Eva",
        "Mme Dupont": "Dupont",
        "Dr.Eva": "Eva",
        "Col. Mustard": "Mustard",
        "Maj Svensson": "Maj Svensson",
        "Drew": "Drew",
        "Dr": "Dr",
        "MRS ANN": "ANN",
        "SEÑORA Ana": "Ana",
    }.items(),
)
def test_titles_are_cut_off(name: str, untitled: str) -> None:
    assert without_title(name) == untitled


@pytest.mark.parametrize(
    ("name", "suffix", "bare"),
    [
        ("Lee Jr.", "Jr", "Lee"),
        ("LEE, JR., PH.D.", "Jr PhD", "LEE"),
        ("Windsor III", "III", "Windsor"),
        ("Jr", "Jr", "Jr"),
        ("jr.", "Jr", "jr."),
        ("Ma", None, "Ma"),
        ("Ives", None, "Ives"),
    ],
)
def test_suffixes_are_set_apart(name: str, suffix: str | None, bare: str) -> None:
    assert read_suffix(name) == suffix
    assert split_suffix(name) == (bare, suffix)


@pytest.mark.parametrize(
    ("name", "cased"),
    {
        "VON DER LEYEN": "von der Leyen",
        "anna maria": "Anna Maria",
        "d'angelo": "D'Angelo",
        "LE": "Le",
        "van Gogh": "van Gogh",
        "DeVito": "DeVito",
        "ÖZGÜR": "Özgür",
        "o'brien-smith": "O'Brien-Smith",
        "李雷": "李雷",
    }.items(),
)
def test_case_is_repaired_and_particles_are_small(name: str, cased: str) -> None:
    assert name_case(name) == cased


@pytest.mark.parametrize(
    ("name", "reason"),
    {
        "Unknown": "placeholder",
        "xxx": "placeholder",
        "a@b.com": "not_a_name",
        "12": "not_a_name",
        "-": "placeholder",
        "Bo": None,
        "X Æ A-12": None,
    }.items(),
)
def test_what_is_no_name(name: str, reason: str | None) -> None:
    assert name_issue(name) == reason


@pytest.mark.parametrize(
    ("name", "parts"),
    {
        "Ann Lee": ("Ann", None, "Lee"),
        "Ann Marie Lee": ("Ann", "Marie", "Lee"),
        "Lee, Ann Marie": ("Ann", "Marie", "Lee"),
        "Lee,": (None, None, "Lee"),
        "Vincent van Gogh": ("Vincent", None, "van Gogh"),
        "Ana María de la Cruz": ("Ana", "María", "de la Cruz"),
        "Van Morrison": ("Van", None, "Morrison"),
        "de la Cruz": ("de", None, "la Cruz"),
        "Madonna": ("Madonna", None, None),
    }.items(),
)
def test_full_names_are_split(name: str, parts: tuple[str | None, ...]) -> None:
    assert split_full_name(name) == parts


def test_a_part_of_a_name_is_read_in_four_steps() -> None:
    assert read_name("Dr. ANNA", suffixed=False) == NamePart("Anna", None, None)
    assert read_name("VON DER LEYEN", suffixed=True) == NamePart("von der Leyen", None, None)
    assert read_name("O'BRIEN-SMITH, MARY ANN PhD", suffixed=True) == ("O'Brien-Smith, Mary Ann", "PhD", None)
    assert read_name("test", suffixed=True) == NamePart(None, None, "placeholder")


@pytest.mark.parametrize(
    ("written", "name"),
    {
        "MUELLER/HANS MR": "Mueller, Hans",
        "OKAFOR/KOFIMR": "Okafor, Kofi",
        "O'NEIL/MARY ANN MRS": "O'Neil, Mary Ann",
        "ADAMS/JO": "Adams, Jo",
        "Lee, Ann, Mr": "Lee, Ann",
        "Lee, Ann Dr.": "Lee, Ann",
        "Lee, Dr": "Lee, Dr",
        "Ann Lee": "Ann Lee",
        "Ann/Bob Lee": "Ann/Bob Lee",
    }.items(),
)
def test_names_of_passengers_and_guests_are_read(written: str, name: str) -> None:
    assert read_full_name(written) == NamePart(name, None, None)


def test_a_suffix_stays_where_it_is_no_part_of_the_name() -> None:
    assert read_name("Robert Jr.", suffixed=False) == NamePart("Robert Jr.", None, None)
    assert read_name("Robert Jr.", suffixed=True) == NamePart("Robert", "Jr", None)


def test_a_full_name_is_put_together_where_it_is_missing_or_turned_round() -> None:
    assert full_name("Robert Smith", "Bob", None, "Smith") == "Robert Smith"
    assert full_name("O'Brien, Mary Ann", "Mary", "Ann", "O'Brien") == "Mary Ann O'Brien"
    assert full_name(None, None, None, "Lee") == "Lee"
    assert full_name(None, None, None, None) is None


@given(TEXTS, st.booleans())
def test_no_name_is_too_odd(text: str, suffixed: bool) -> None:
    name = clean_text(text)
    value, _, reason = read_name(name, suffixed=suffixed)
    assert (value is None) == (reason is not None)
    assert value != ""
    assert "" not in split_full_name(name)


def test_nicknames_and_their_formal_names_meet() -> None:
    assert nickname_roots("bob") & nickname_roots("robert") & nickname_roots("bobby") == {"robert"}
    assert nickname_roots("bill") & nickname_roots("will") == {"william"}
    assert not nickname_roots("robert") & nickname_roots("mary")
    assert nickname_roots("zoltan") == {"zoltan"}
