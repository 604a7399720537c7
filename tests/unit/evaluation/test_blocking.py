"""Which rules are candidates."""

from __future__ import annotations

from cdp_spark.config.match import BlockingKey, BlockingRule
from cdp_spark.evaluation.blocking import merge_rules
from cdp_spark.resolution.blocking.slots import build_slots


def test_each_rule_is_a_candidate_once_and_without_its_split() -> None:
    names = BlockingRule(
        name="names", keys=(BlockingKey(column="family_name"),), split_by=BlockingKey(column="postcode")
    )
    words = BlockingRule(name="words", keys=(BlockingKey(column="street", transform="tokens"),))
    same_keys = BlockingRule(name="family_name", keys=names.keys)
    email = BlockingRule(name="email", keys=(BlockingKey(column="email"),))
    merged = merge_rules((names, words), (same_keys, email))
    assert [rule.name for rule in merged] == ["names", "words", "email"]
    assert all(slot.splits is None for slot in build_slots(merged, max_block_records=10))
