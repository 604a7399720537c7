"""A match model keeps no value that nobody has any more, and weighs all pairs as before."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.matched_shop import Shop
from tests.unit.privacy.conftest import REQUEST, row_of

from cdp_spark.privacy.models import forget_values, keep_borne
from cdp_spark.privacy.people.requests import People
from cdp_spark.resolution.models import read_model
from cdp_spark.tables.catalog import RECORDS, UNIFIED_IDS


def test_values_of_the_erased_leave_every_model(own_shop: Shop) -> None:
    store = own_shop.store
    context = replace(own_shop.context(), base_versions={RECORDS.name: store.version(RECORDS)})
    before = read_model(store, "person", 1)
    [erased] = store.read(RECORDS).where("record_key = 'a00'").collect()
    assert erased["email"] in before.frequencies["email"], "both records of the person have it"
    keys = ("a00", "b00")
    rows = UNIFIED_IDS.table([row_of(UNIFIED_IDS, record_key=key, unified_id="u") for key in keys])
    people = People(rows, (), (), REQUEST.author, REQUEST.reason, REQUEST.at)

    assert forget_values(context, people) == 1
    after = read_model(store, "person", 1)
    gone = {
        name: bins.keys() - after.frequencies[name].keys()
        for name, bins in before.frequencies.items()
        if bins != after.frequencies[name]
    }
    assert gone["email"] == {erased["email"]}
    assert gone.keys() <= {"email", "phone", "birth_date", "family_name", "given_name"}
    assert replace(after, frequencies=before.frequencies).to_json() == before.to_json()
    assert forget_values(context, people) == 0


def test_without_records_nothing_is_kept(shop: Shop) -> None:
    model = read_model(shop.store, "person", 1)
    kept = keep_borne(model, shop.store.read(RECORDS).limit(0))
    assert kept.keys() == model.frequencies.keys()
    assert not any(kept.values())
