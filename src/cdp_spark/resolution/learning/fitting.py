"""Fit a match model from pattern counts and a sample of records."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.resolution.comparing.comparisons import (
    CompiledComparison,
    compile_comparisons,
)
from cdp_spark.resolution.learning.correlation import correlate, shared_weights
from cdp_spark.resolution.learning.parameters import Limit, Parameters, PatternCounts, Start
from cdp_spark.resolution.learning.priors import prior_of, rule_pull
from cdp_spark.resolution.learning.related import fit_classes
from cdp_spark.resolution.learning.within import Layout, fit_within, lay_out
from cdp_spark.resolution.patterns import LEVEL_BITS, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cdp_spark.config.match import BlockingKey, BlockingRule, Comparison
    from cdp_spark.resolution.learning.priors import Prior
    from cdp_spark.resolution.learning.sample import Sample

_OF_PEOPLE = frozenset({c.GIVEN_NAME, c.FAMILY_NAME, c.FULL_NAME, c.BIRTH_DATE})
"""Columns that records of companies do not have."""
_TIMES_AS_OFTEN, _LEAST_CEILING = 3.0, 0.1
"""Of few pairs at most so many times as many are taken to be alike as is known beforehand, or this share."""
IS_MATCH = "is_match"
"""True for a pair that a label says is one person, false for one that it says is not."""
_LIST_OF = {c.EMAIL: c.EMAILS, c.PHONE: c.PHONES, c.EMAILS: c.EMAIL, c.PHONES: c.PHONE}
"""A contact point and the list of all: a rule on one settles a comparison of the other."""
_CLASSED = pa.schema(
    {c.RULE_MASK: pa.int64(), c.PATTERN: pa.int64(), c.RECORD_COUNT: pa.int64(), IS_MATCH: pa.bool_()}.items()
)
COUNT_ORDER = [(c.RULE_MASK, "ascending"), (c.PATTERN, "ascending")]


def forced_comparisons(rules: tuple[BlockingRule, ...], comparisons: tuple[Comparison, ...]) -> NDArray[np.bool_]:
    """Which comparisons a rule settles by asking for agreement on their column, shape (rules, comparisons)."""
    return layout_of(rules, comparisons).forced


def layout_of(rules: tuple[BlockingRule, ...], comparisons: tuple[Comparison, ...]) -> Layout:
    """Which comparisons each rule forces, and by which of its keys."""
    keys = [[_keys_on(rule, comparison) for comparison in comparisons] for rule in rules]
    return lay_out(keys, len(comparisons), first=[comparison.columns[0] for comparison in comparisons])


def fit_parameters(
    counts: pa.Table,
    sample: Sample,
    *,
    comparisons: tuple[Comparison, ...],
    layout: Layout,
    seed: int,
) -> Parameters:
    """Fit priors, m and u by EM, from agreement (m) and random pairs (u); and related people where the data has some.

    Comparisons that agree together among random pairs share their weight: in the fit already, for EM takes two copies
    of one column for the difference between matches and others.

    A labelled pair counts once, as any other does, but its class is not guessed: EM takes it from the label.

    Args:
        counts: as `count_patterns` gives them, or `with_known_classes`.
        sample: records to draw random pairs from.
        comparisons: as configured.
        layout: comparisons that each rule forces, and by which key.
        seed: of the random pairs and starts.
    """
    compiled = compile_comparisons(comparisons)
    levels = sample.random_levels(comparisons, seed=seed)
    start_u = tuple(_shares(levels[:, at], len(item.level_names)) for at, item in enumerate(compiled))
    start_m = tuple(_agreement(comparison, u) for comparison, u in zip(compiled, start_u, strict=True))
    shares = shared_weights(correlate(levels, records=sample.features.num_rows))
    count = _by_class if IS_MATCH in counts.column_names else _by_rule
    found = count(counts, layout.forced)
    people = any(not _OF_PEOPLE.isdisjoint(item.config.columns) for item in compiled)
    known = [prior_of(item, sample.bin_shares(item.config), people=people) for item in compiled]
    pull = rule_pull(known, layout, records=sample.features.num_rows)
    anchors = _with_priors(Start(start_m, start_u, shares=shares, rule_pull=pull), known)
    if found.are_few:
        anchors = _from_priors(anchors, known, compiled)
    fitted, start = fit_classes(found, comparisons, anchors, seed=seed)
    whole = replace(count(counts, np.zeros_like(layout.forced)), forced=layout.forced)
    return fit_within(whole, start, fitted, layout)


def _with_priors(start: Start, known: Sequence[Prior | None]) -> Start:
    """Begin with what is known of the comparisons before the data: as pairs of each level and class."""
    weak = zip(start.m, start.u, ((m + u) / 2 for m, u in zip(start.m, start.u, strict=True)), strict=True)
    pulls = [2.0 * np.stack(sides) if prior is None else prior.pull for prior, sides in zip(known, weak, strict=True)]
    return replace(
        start,
        pulls=tuple(tuple(pull[of] for pull in pulls) for of in range(3)),
        own=np.array([0.0 if prior is None or prior.own is None else prior.own for prior in known]),
    )


def _from_priors(start: Start, known: Sequence[Prior | None], compiled: tuple[CompiledComparison, ...]) -> Start:
    """Few pairs begin where what is known beforehand says, and stay within its limits: they are too few to lead."""
    assert start.pulls is not None
    m, u, related = (tuple(_as_shares(levels) for levels in pull) for pull in start.pulls)
    limits = tuple(map(_limit, known, m, compiled))
    return replace(start, m=m, u=u, expected_related=related, starts_at_rules=True, limits=limits)


def _limit(prior: Prior | None, m: NDArray[np.float64], item: CompiledComparison) -> Limit:
    """Keep what contradicts, and cap what is merely alike: Ann1, Ann2 and Ann3 are not one person for being many."""
    free = np.full(len(m), np.inf)
    share = free.copy()
    alike = slice(item.alike_level, item.equal_level)
    share[alike] = np.maximum(_TIMES_AS_OFTEN * m[alike], _LEAST_CEILING)
    return Limit(free if prior is None else prior.times_others, share)


def _as_shares(pull: NDArray[np.float64]) -> NDArray[np.float64]:
    share = np.maximum(pull, 1e-6)
    share[0] = 0.0
    share /= share.sum()
    share[0] = 1.0
    return np.asarray(share)


def _keys_on(rule: BlockingRule, comparison: Comparison) -> tuple[BlockingKey, ...]:
    """The rule's keys on what is compared."""
    compared = comparison.columns if comparison.method in {"address", "geo"} else comparison.columns[:1]
    return tuple(key for key in rule.keys if key.column in compared or _LIST_OF.get(key.column, key.column) in compared)


def count_patterns(rule_mask: NDArray[np.int64], pattern: NDArray[np.int64]) -> pa.Table:
    """Distinct (rule_mask, pattern) with their number of pairs, ordered."""
    pairs = pa.table({c.RULE_MASK: rule_mask, c.PATTERN: pattern})
    counts = pairs.group_by([c.RULE_MASK, c.PATTERN]).aggregate([([], "count_all")])
    return counts.rename_columns([c.RULE_MASK, c.PATTERN, c.RECORD_COUNT]).sort_by(COUNT_ORDER)


def _by_rule(counts: pa.Table, forced: NDArray[np.bool_]) -> PatternCounts:
    """Count each pattern once for every rule of its mask, without the comparisons that the rule forces."""
    masks, patterns, pairs = (counts[name].to_numpy() for name in (c.RULE_MASK, c.PATTERN, c.RECORD_COUNT))
    position, rule = np.nonzero((masks[:, np.newaxis] >> np.arange(len(forced))) & 1)
    free = pack(np.where(forced, 0, (1 << LEVEL_BITS) - 1))
    table = pa.table({"rule": rule, c.PATTERN: patterns[position] & free[rule], c.RECORD_COUNT: pairs[position]})
    merged = table.group_by(["rule", c.PATTERN]).aggregate([(c.RECORD_COUNT, "sum")])
    merged = merged.sort_by([("rule", "ascending"), (c.PATTERN, "ascending")])
    levels = unpack(merged[c.PATTERN].to_numpy(), forced.shape[1])
    total = merged[f"{c.RECORD_COUNT}_sum"].to_numpy().astype(np.float64)
    return PatternCounts(merged["rule"].to_numpy(), levels, total, forced)


def with_known_classes(counts: pa.Table, labelled: pa.Table) -> pa.Table:
    """Take the labelled pairs out of the counts and put them beside, with `is_match`, which is null for all others.

    Args:
        counts: as `count_patterns` gives them.
        labelled: of the same pairs those that a label judges, with `is_match`.
    """
    key, count = [c.RULE_MASK, c.PATTERN], c.RECORD_COUNT
    judged = labelled.select(_CLASSED.names).cast(_CLASSED)
    taken = judged.drop_columns([count, IS_MATCH]).append_column(count, pc.negate(judged[count]))
    both = pa.concat_tables([counts.select([*key, count]).cast(taken.schema), taken])
    left = both.group_by(key).aggregate([(count, "sum")]).rename_columns([*key, count])
    others = left.filter(pc.greater(left[count], 0)).sort_by(COUNT_ORDER)
    unknown = others.append_column(IS_MATCH, pa.nulls(others.num_rows, pa.bool_()))
    return pa.concat_tables([unknown.cast(_CLASSED), judged])


def _by_class(counts: pa.Table, forced: NDArray[np.bool_]) -> PatternCounts:
    """Count by rule as `_by_rule`, pairs of which a label tells the class apart from the others."""
    said = counts[IS_MATCH]
    classes = ((pc.is_null(said), np.nan), (pc.equal(said, True), 1.0), (pc.equal(said, False), 0.0))
    parts = [(_by_rule(counts.filter(rows), forced), known) for rows, known in classes]
    return PatternCounts(
        rule=np.concatenate([part.rule for part, _ in parts]),
        levels=np.concatenate([part.levels for part, _ in parts]),
        count=np.concatenate([part.count for part, _ in parts]),
        forced=forced,
        known=np.concatenate([np.full(len(part.rule), known) for part, known in parts]),
    )


def _shares(levels: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    share = np.bincount(levels, minlength=size) + 0.5
    share[0] = 0.0
    share /= share.sum()
    share[0] = 1.0
    return np.asarray(share)


def _agreement(comparison: CompiledComparison, u: NDArray[np.float64]) -> NDArray[np.float64]:
    """A first m: three in four matches are equal, one in ten differs, the rest is in between."""
    m = np.zeros(len(u))
    equal = comparison.equal_level
    spread = np.sqrt(u[equal:])
    m[equal:] = 0.75 * spread / spread.sum()
    between = equal - 2
    if between > 0:
        m[2:equal] = 0.15 / between
    m[1] = 1.0 - m[1:].sum()
    m[0] = 1.0
    return m
