"""What blocking rules would cost and find, before a run: exact pairs, and recall on pairs that are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.resolution.blocking.blocks import active_keys, split_slots
from cdp_spark.resolution.blocking.key_arrays import keys_of_lists
from cdp_spark.resolution.blocking.slots import Slot, build_slots
from cdp_spark.resolution.choose import RuleEstimate, choose_rules
from cdp_spark.resolution.frames import build_keyed, find_key_use, read_feature_sample, sampled
from cdp_spark.resolution.pairs import shared_slots
from cdp_spark.standalone.discovery.propose import MAX_CANDIDATES, candidate_rules
from cdp_spark.standalone.discovery.recognise import recognise
from cdp_spark.tables.checkpoint import cache_frame, release_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyspark.sql import DataFrame

    from cdp_spark.config.match import BlockingRule, EntityMatch
    from cdp_spark.resolution.blocking.key_use import KeyUse

MAX_KNOWN_PAIRS = 100_000
"""Known pairs, chosen by hash, on which recall is measured."""
_SAMPLE_ROWS = 20_000
_SUGGESTED = (
    c.GIVEN_NAME,
    c.FAMILY_NAME,
    c.BIRTH_DATE,
    c.EMAIL,
    c.PHONE,
    c.STREET,
    c.CITY,
    c.POSTCODE,
    c.NATIONAL_ID,
    c.COMPANY_CORE,
    c.DOMAIN,
    c.REGISTRATION_NUMBER,
)
"""Columns of records that rules are proposed from."""


@dataclass(frozen=True)
class RuleFigures:
    """A blocking rule on the records as they are.

    Args:
        name: of the rule.
        pairs: that it finds.
        split_keys: that too many records share, and that give way to the rule's `split_by`.
        purged_keys: that too many records share, and that therefore find nothing.
        known_found: known pairs that it finds.
        known_alone: of these, the ones that no other rule finds.
    """

    name: str
    pairs: int
    split_keys: int
    purged_keys: int
    known_found: int
    known_alone: int


@dataclass(frozen=True)
class BlockingFigures:
    """All blocking rules of an entity type.

    Args:
        records: blocked.
        rules: each.
        known: known pairs.
        known_found: of these, found by any rule.
    """

    records: int
    rules: tuple[RuleFigures, ...]
    known: int
    known_found: int

    @property
    def recall(self) -> float | None:
        """Share of the known pairs that are found; None where none is known."""
        return self.known_found / self.known if self.known else None


def estimate_blocking(records: DataFrame, match: EntityMatch, known_pairs: DataFrame) -> BlockingFigures:
    """Count the pairs of each rule by the sizes of its blocks, and look for known pairs among them (three actions).

    Args:
        records: one row per record_key, cleaned.
        match: the rules.
        known_pairs: pairs that are surely the same: record_key_l, record_key_r.
    """
    slots = build_slots(match.blocking, max_block_records=match.max_block_records)
    keyed = cache_frame(build_keyed(records, match, slots).select(c.RECORD_KEY, c.BLOCK_KEYS))
    use = find_key_use(keyed, slots)
    found = _found(keyed, known_pairs, use, slots)
    alone = found & (found.sum(axis=1, keepdims=True) == 1)
    rules = tuple(
        RuleFigures(
            rule.name,
            int(use.pairs[number]),
            int(use.split_rules[number]),
            int(use.purged_rules[number]),
            int(found[:, number].sum()),
            int(alone[:, number].sum()),
        )
        for number, rule in enumerate(match.blocking)
    )
    count = keyed.count()
    release_frame(keyed)
    return BlockingFigures(count, rules, len(found), int(found.any(axis=1).sum()))


def suggest_rules(records: DataFrame, match: EntityMatch) -> tuple[RuleEstimate, ...]:
    """Choose rules from the columns of the records and the ones that are configured, on a sample.

    Args:
        records: one row per record_key, cleaned.
        match: comparisons that weigh the pairs, and the rules that are already there.
    Returns: the chosen rules, the best first.
    """
    texts = [F.col(name).cast("string").alias(name) for name in _SUGGESTED]
    sample = sampled(records, most=_SAMPLE_ROWS).select(*texts).toArrow()
    candidates = candidate_rules(recognise(sample))
    configured = {rule.name: rule for rule in match.blocking}
    proposal = match.model_copy(update={"blocking": merge_rules(match.blocking, candidates), "deterministic": ()})
    chosen = choose_rules(read_feature_sample(records, proposal), proposal, record_count=records.count())
    return tuple(replace(it, rule=configured.get(it.rule.name, it.rule)) for it in chosen)


def merge_rules(configured: tuple[BlockingRule, ...], candidates: tuple[BlockingRule, ...]) -> tuple[BlockingRule, ...]:
    """The configured rules, then the candidates that are none of them; a rule is judged without its `split_by`."""
    plain = [rule.model_copy(update={"split_by": None}) for rule in configured]
    known, names = {rule.keys for rule in configured}, {rule.name for rule in configured}
    new = [rule for rule in candidates if rule.keys not in known and rule.name not in names]
    return (*plain, *new)[:MAX_CANDIDATES]


def _found(keyed: DataFrame, known_pairs: DataFrame, use: KeyUse, slots: tuple[Slot, ...]) -> NDArray[np.bool_]:
    """Which rule finds which known pair, shape (pairs, rules)."""
    order = F.xxhash64(c.RECORD_KEY_L, c.RECORD_KEY_R)
    chosen = known_pairs.orderBy(order, c.RECORD_KEY_L, c.RECORD_KEY_R).limit(MAX_KNOWN_PAIRS)
    for side in "lr":
        of_side = F.col(c.RECORD_KEY).alias(f"record_key_{side}"), F.col(c.BLOCK_KEYS).alias(f"keys_{side}")
        chosen = chosen.join(keyed.select(*of_side), on=f"record_key_{side}", how="inner")
    table = chosen.select("keys_l", "keys_r").toArrow()
    sides = [keys_of_lists(table[name], len(slots)) for name in table.column_names]
    rules = np.array([slot.rule for slot in slots], dtype=np.int64)
    keys = active_keys(np.concatenate(sides), use.purged, split_slots(slots))
    left = np.arange(table.num_rows, dtype=np.int64)
    shared = shared_slots(keys, rules, left, left + table.num_rows)
    return np.stack([shared[:, rules == rule].any(axis=1) for rule in range(int(rules.max()) + 1)], axis=1)


def build_known_pairs(pair_scores: DataFrame, labels: DataFrame, must_link: str) -> DataFrame:
    """Pairs that are surely the same: must-linked, or joined by a deterministic rule of the last run.

    Args:
        pair_scores: one row per pair of one entity type: record_key_l, record_key_r, deterministic.
        labels: the label in force of each pair: record_key_l, record_key_r, label.
        must_link: the label that joins.
    Returns: one row per pair: record_key_l, record_key_r.
    """
    keys = (c.RECORD_KEY_L, c.RECORD_KEY_R)
    linked = labels.where(F.col(c.LABEL) == must_link).select(*keys)
    certain = pair_scores.where(F.col(c.DETERMINISTIC)).select(*keys).join(linked, on=list(keys), how="left_anti")
    apart = labels.where(F.col(c.LABEL) != must_link)
    return linked.unionByName(certain.join(apart, on=list(keys), how="left_anti"))
