"""Which profile an id, a record or an e-mail address stands for."""

from __future__ import annotations

import re

import pytest
from tests.unit.view.conftest import ADA, BOB, CY, DAN, DAY, HOME, LATER, OLD_ADA

from cdp_spark.errors import DataError
from cdp_spark.view.find import find_household, find_ids
from cdp_spark.view.warehouse import ReleasedWarehouse


@pytest.mark.parametrize("reference", [ADA, OLD_ADA, f" {ADA} ", "crm:K1", "shop:S1", "Ada@X.org"])
def test_an_id_a_record_and_an_email_lead_to_the_id_that_lives(warehouse: ReleasedWarehouse, reference: str) -> None:
    assert find_ids(warehouse, reference) == [ADA]


def test_a_household_leads_to_its_people(warehouse: ReleasedWarehouse) -> None:
    assert find_household(warehouse, HOME) == [ADA, BOB]
    assert find_household(warehouse, ADA) == []


def test_a_phone_that_people_share_leads_to_each_of_them(warehouse: ReleasedWarehouse) -> None:
    assert find_ids(warehouse, "+49 30 12345678") == [ADA, BOB]


def test_at_a_time_an_id_stands_for_itself_where_it_had_a_profile(warehouse: ReleasedWarehouse) -> None:
    assert find_ids(warehouse, ADA, at=DAY) == [ADA]
    assert find_ids(warehouse, OLD_ADA, at=LATER) == [ADA]


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        (CY, "cdp profile show: got c0, erased with release 3: nothing is left of it"),
        (DAN, "got d0, closed (removed_record). Fix: `cdp profile show --at TIME` shows it as it was"),
        ("k1", "got k1, which nobody has. Fix: did you mean crm:K1?"),
        ("web:S1", "got web:S1, which nobody has. Fix: did you mean shop:S1?"),
        (f"{ADA[:-1]}9", f"which nobody has. Fix: did you mean {OLD_ADA} or {ADA}?"),
        ("zoe", "Fix: search by e-mail or phone, or name a source's record"),
    ],
)
def test_what_stands_for_nobody_says_what_to_try(warehouse: ReleasedWarehouse, reference: str, told: str) -> None:
    with pytest.raises(DataError, match=re.escape(told)):
        find_ids(warehouse, reference)


def test_an_unknown_email_is_not_repeated(warehouse: ReleasedWarehouse) -> None:
    with pytest.raises(DataError, match="an e-mail address or phone that no profile has") as error:
        find_ids(warehouse, "someone@example.org")
    assert "someone" not in str(error.value)
