"""The forms that Google and Meta document, with the hashes of their examples."""

from __future__ import annotations

from hashlib import sha256

import pyarrow as pa
import pytest

from cdp_spark.activation.audiences.ad_audiences import FORMS, hash_audience
from cdp_spark.config.destination import AUDIENCE_COLUMNS

META, GOOGLE = "meta_audience", "google_customer_match"


def hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def one(kind: str, **values: str | None) -> dict[str, str | None]:
    row: dict[str, str | None] = hash_audience(
        pa.table({name: [it] for name, it in values.items()}), kind=kind
    ).to_pylist()[0]
    return row


def test_a_documented_phone_number_has_the_documented_hash() -> None:
    phone = one(META, phone="+1 (650) 555-1212")["phone"]
    assert phone == "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (GOOGLE, {"email": " Jo.Doe+news@GoogleMail.com "}, {"Email": hashed("jodoe@googlemail.com")}),
        (GOOGLE, {"email": "Jo.Doe+news@x.org"}, {"Email": hashed("jo.doe+news@x.org")}),
        (GOOGLE, {"phone": "+1 650 555 1212"}, {"Phone": hashed("+16505551212")}),
        (GOOGLE, {"given_name": " Zoë "}, {"First Name": hashed("zoë")}),
        (GOOGLE, {"family_name": "King Jr."}, {"Last Name": hashed("king")}),
        (GOOGLE, {"country": "US", "postcode": "94025-1234"}, {"Country": "US", "Zip": "94025-1234"}),
        (META, {"email": " Jo.Doe+news@Gmail.com"}, {"email": hashed("jo.doe+news@gmail.com")}),
        (
            "meta_audience",
            {"given_name": "Zoë-Anne", "family_name": "O'Neil"},
            {"fn": hashed("zoëanne"), "ln": hashed("oneil")},
        ),
        (
            "meta_audience",
            {"birth_date": "1990-02-01", "gender": "female"},
            {"dob": hashed("19900201"), "gen": hashed("f")},
        ),
        (META, {"city": "St. Louis", "region": "MO"}, {"ct": hashed("stlouis"), "st": hashed("mo")}),
        (
            "meta_audience",
            {"country": "US", "postcode": "94025-1234"},
            {"country": hashed("us"), "zip": hashed("94025")},
        ),
        (
            "meta_audience",
            {"country": "GB", "postcode": "SW1A 1AA"},
            {"country": hashed("gb"), "zip": hashed("sw1a1aa")},
        ),
        (META, {"email": None, "region": "Bayern", "phone": ""}, {"email": None, "st": None, "phone": None}),
    ],
)
def test_forms(kind: str, values: dict[str, str | None], expected: dict[str, str | None]) -> None:
    assert one(kind, **values) == expected


def test_each_column_that_may_be_configured_has_a_form() -> None:
    assert {kind: set(forms) for kind, forms in FORMS.items()} == {
        kind: set(it) for kind, it in AUDIENCE_COLUMNS.items()
    }
