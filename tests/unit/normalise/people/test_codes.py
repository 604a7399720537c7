from __future__ import annotations

import pytest
from hypothesis import given
from tests.unit.normalise.strategies import TEXTS

from cdp_spark.normalise.outcome import Normal
from cdp_spark.normalise.people.codes import read_gender, read_national_id

GENDERS = {
    "m": ("M", "mr.", "Monsieur", "Herr", "Herr Dr. med.", "1"),
    "f": ("weiblich", "2", " F ", "Mme", "Mlle.", "MADAME", "Señora", "Sig.ra", "Frau Prof. Dr.", "Frau Dipl.-Ing."),
    "x": ("Divers", "non-binary"),
}


@pytest.mark.parametrize(("text", "gender"), [(text, it) for it, texts in GENDERS.items() for text in texts])
def test_genders(text: str, gender: str) -> None:
    assert read_gender(text) == Normal(gender)


@pytest.mark.parametrize(
    ("text", "reason"),
    {
        "u": "placeholder",
        "n/a": "placeholder",
        "Prefer not to say": "placeholder",
        "zz": "unknown",
        "Dr.": "unknown",
        "Herr und Frau": "unknown",
        "": None,
    }.items(),
)
def test_texts_that_tell_no_gender(text: str, reason: str | None) -> None:
    assert read_gender(text) == Normal(None, reason)


@pytest.mark.parametrize(
    ("text", "expected"),
    {
        "ab-12 34": Normal("AB1234"),
        "7739222.0": Normal("7739222"),
        "--": Normal(None, "placeholder"),
        "::": Normal(None, "too_short"),
        "000-00-0000": Normal("000000000", "placeholder"),
        "123456789": Normal("123456789", "placeholder"),
        "12": Normal("12", "too_short"),
        "": Normal(None),
    }.items(),
)
def test_national_ids(text: str, expected: Normal) -> None:
    assert read_national_id(text) == expected


@given(TEXTS)
def test_no_code_is_too_odd(text: str) -> None:
    assert read_gender(text).value in ("m", "f", "x", None)
    value, _ = read_national_id(text)
    assert value is None or read_national_id(value).value == value
