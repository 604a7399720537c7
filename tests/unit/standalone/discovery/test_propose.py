"""Rules and comparisons that are proposed for recognised columns."""

import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.standalone.discovery.propose import candidate_rules, propose_comparisons
from cdp_spark.standalone.discovery.recognise import Recognised, recognise
from cdp_spark.standalone.discovery.vocabulary import Meaning


def _column(name: str, meaning: Meaning, values: list[str]) -> Recognised:
    (found,) = recognise(pa.table({name: values}))
    return Recognised(name, meaning, "", found.profile)


TITLE = _column("title", "text", ["sony camera dsc w55 black", "canon camera a570 silver"])
CITY = _column("city", "city", ["york", "hull"])
PHONES = _column(c.PHONES, "phone", ["0151 123456", "0151 123457"])
BORN = _column("birth_date", "birth_date", ["1980-05-03", "1975-12-31"])


def test_texts_are_blocked_by_their_rarer_words_and_by_their_pieces() -> None:
    rules = {rule.name: rule for rule in candidate_rules((TITLE, CITY))}
    assert {"title", "title_tokens", "title_minhash", "city_and_title_tokens"} <= set(rules)
    assert rules["title_tokens"].max_block_records == 50
    assert not any("minhash" in name and "_and_" in name for name in rules)


def test_what_identifies_is_compared_whatever_its_place_in_a_wide_file() -> None:
    own = [_column(f"a{at:02}", "category", ["red", "blue"]) for at in range(40)]
    names = [_column("given_name", "given_name", ["ann", "bob"]), _column("family_name", "family_name", ["lee", "ray"])]
    address = [_column("street", "street", ["elm road", "oak lane"]), CITY]
    compared = propose_comparisons((*own, *names, BORN, PHONES, *address))
    assert len(compared) == 15
    assert {"given_name", "family_name", "birth_date", "phones", "address_parts"} <= {it.name for it in compared}
    blocked = {key.column for rule in candidate_rules((*own, *names, BORN, PHONES, *address)) for key in rule.keys}
    assert {"given_name", "family_name", "birth_date", "phones", "street"} <= blocked


def test_every_phone_of_several_is_a_key() -> None:
    rules = candidate_rules((PHONES, CITY))
    assert [key.transform for rule in rules for key in rule.keys if key.column == c.PHONES] == ["tokens", "tokens"]
    (phones, _) = propose_comparisons((PHONES, CITY))
    assert phones.method == "set_overlap"


def test_years_of_one_date_only_stand_beside_two_columns() -> None:
    """With several dates nothing else would find a place among the candidates."""
    columns = [_column(f"c{at}", "code", ["a1", "b2", "c3"]) for at in range(5)]
    dates = [_column(name, "date", ["20200103", "20210214"]) for name in ("seen", "sent", "paid")]
    rules = candidate_rules((*columns, *dates, BORN))
    years = {key.column for rule in rules for key in rule.keys if key.transform == "year"}
    assert years == {"birth_date"}
    assert {
        key.column for rule in candidate_rules((*columns, *dates)) for key in rule.keys if key.transform == "year"
    } == {"seen"}


def test_the_day_of_birth_finds_what_a_wrong_year_hides() -> None:
    keys = {rule.keys for rule in candidate_rules((BORN, CITY))}
    assert any(
        {(key.column, key.transform) for key in rule} == {("birth_date", "suffix"), ("city", "exact")} for rule in keys
    )
    assert all(len(rule) > 1 or rule[0].transform == "exact" for rule in keys)
