"""A record's blocking keys."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_spark.config.match import BlockingKey, BlockingRule
from cdp_spark.resolution.blocking.key_arrays import NO_KEY
from cdp_spark.resolution.blocking.keys import TRANSFORMS, long_words, make_keys
from cdp_spark.resolution.blocking.slots import MAX_TOKENS, build_slots

WORDS = BlockingKey(column="x", transform="tokens")
PIECES = BlockingKey(column="x", transform="minhash")


def _keys(rule: BlockingRule, **columns: list[str | None]) -> list[set[int]]:
    slots = build_slots((rule,), max_block_records=10)
    keys = make_keys({name: pa.array(texts, pa.string()) for name, texts in columns.items()}, slots)
    return [set(row) - {NO_KEY} for row in keys.tolist()]


def test_words_are_the_longest_first_whatever_their_order() -> None:
    assert long_words("of the acme trading company") == ["company", "trading", "acme", "the", "of"]
    assert long_words("company of the trading acme") == long_words("of the acme trading company")
    assert len(long_words("a bb ccc dddd eeeee ffffff ggggggg")) == MAX_TOKENS


def test_a_second_phone_leads_to_a_pair() -> None:
    rule = BlockingRule(name="phones", keys=(WORDS,))
    first, second, third = _keys(rule, x=["4915111\n4930222", "4930222", "4940333"])
    assert len(first & second) == 1
    assert not first & third


@pytest.mark.parametrize("missing", [None, ""])
def test_a_missing_part_gives_no_key(missing: str | None) -> None:
    rule = BlockingRule(name="both", keys=(BlockingKey(column="x"), BlockingKey(column="y")))
    assert _keys(rule, x=["a", missing], y=["b", "b"])[1] == set()


def test_parts_count_in_their_order() -> None:
    rule = BlockingRule(name="both", keys=(BlockingKey(column="x"), BlockingKey(column="y")))
    one, other, same = _keys(rule, x=["a", "b", "a"], y=["b", "a", "b"])
    assert one == same != other


def test_rules_and_splits_have_keys_of_their_own() -> None:
    plain = BlockingKey(column="x")
    rules = (BlockingRule(name="one", keys=(plain,), split_by=plain), BlockingRule(name="two", keys=(plain,)))
    slots = build_slots(rules, max_block_records=10)
    assert len(set(make_keys({"x": pa.array(["a"])}, slots)[0].tolist())) == 3


@pytest.mark.parametrize(
    ("transform", "text", "coarse"),
    [
        ("prefix", "abcdef", "abcd"),
        ("suffix", "abcdef", "cdef"),
        ("suffix", "abc", ""),
        ("initial", "ann", "a"),
        ("year", "19800302", "1980"),
        ("first_word", "ann marie lee", "ann"),
        ("last_word", "ann marie lee", "lee"),
        ("phonetic", "robert", "R163"),
        ("phonetic", "rupert", "R163"),
        ("phonetic", "王小明", "王小明"),
        ("phonetic", "", ""),
    ],
)
def test_what_a_part_keeps(transform: str, text: str, coarse: str) -> None:
    assert TRANSFORMS[transform](text, 4) == coarse  # type: ignore[index]


def test_texts_alike_share_a_band_and_short_ones_have_none() -> None:
    rule = BlockingRule(name="pieces", keys=(PIECES,))
    texts = ["the old curiosity shop", "the old curiosity shop ltd", "ab", None, "completely different words"]
    one, alike, short, missing, other = _keys(rule, x=texts)
    assert one & alike
    assert short == missing == set()
    assert not one & other


@given(st.lists(st.one_of(st.none(), st.text("abc é王\n", max_size=9)), min_size=1, max_size=20))
def test_keys_do_not_depend_on_the_other_rows(texts: list[str | None]) -> None:
    keys = (BlockingKey(column="x"), WORDS)
    rules = (
        *[BlockingRule(name=f"r{at}", keys=(key,)) for at, key in enumerate(keys)],
        BlockingRule(name="p", keys=(PIECES,)),
    )
    slots = build_slots(rules, max_block_records=10)
    together = make_keys({"x": pa.array(texts, pa.string())}, slots)
    for at, text in enumerate(texts):
        assert make_keys({"x": pa.array([text], pa.string())}, slots)[0].tolist() == together[at].tolist()


def test_a_rule_without_parts_gives_all_records_one_key() -> None:
    first, second = _keys(BlockingRule(name="every_pair", keys=(), max_block_records=5), x=["a", None])
    assert len(first) == 1
    assert first == second
