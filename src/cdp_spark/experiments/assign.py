"""Who is in which arm: sticky, whatever becomes of segments, shares and ids.

1. `follow_ids` gives each row of the last release to the id that its person bears now: the same, the one that it was
   merged into, and those that were split from it since the row was made.
2. `assign_arms` settles what each id is in. Of several claims control wins, else the older one; an id that was split
   off keeps the arm that it had when it was one with the other.
3. Who takes part and has no arm gets one. A file of assignments says which; else it is drawn: a hash of the project's
   namespace, the experiment and the unit falls into one of the arms' shares. The unit is the person, or the household,
   which people who join it later follow.

No row is taken away: one whose id ended, or whose experiment is no longer configured, has an end and its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.config.experiments import CONTROL, HOLD_OUT, TREATED
from cdp_spark.experiments.rows import (
    ASSIGNMENTS,
    CLAIM,
    CLAIMED_BY,
    DRAWN,
    DROPPED,
    HOME,
    IMPORTED,
    OWN,
    PART,
    Assignment,
    rows_of,
    table_of,
)
from cdp_spark.normalise.hashing import canonical_json, hash_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from cdp_spark.config.experiments import ExperimentsConfig

_HASH_DIGITS = 13
"""Of hexadecimal digits: a double holds whole numbers of 52 bits."""


@dataclass(frozen=True)
class Split:
    """How an experiment divides people.

    Args:
        shares: percent by arm.
        household: whether a household is one unit.
    """

    shares: Mapping[str, float]
    household: bool = False

    @property
    def text(self) -> str:
        """The shares as the table has them."""
        return canonical_json({arm: round(share, 6) for arm, share in self.shares.items()})


@dataclass(frozen=True)
class Drawing:
    """What decides about arms in a run.

    Args:
        splits: by experiment.
        namespace: of the project; salts the draw.
        release: that the run publishes.
        as_of: the run's clock.
    """

    splits: Mapping[str, Split]
    namespace: str
    release: int
    as_of: datetime


def splits_of(config: ExperimentsConfig) -> dict[str, Split]:
    """How each experiment, and the global hold-out, divides people."""
    splits = {it.name: Split(it.arms, it.household) for it in config.experiments}
    if config.hold_out is not None:
        shares = {CONTROL: config.hold_out.percent, TREATED: 100 - config.hold_out.percent}
        splits[HOLD_OUT] = Split(shares, config.hold_out.household)
    return splits


def assign_arms(candidates: pa.Table, claims: pa.Table, *, drawing: Drawing) -> pa.Table:
    """Settle who is in which arm, among people of whole homes.

    Args:
        candidates: who takes part, with `home`: the household, or the id of who has none.
        claims: from `follow_ids`, with `home` of who claims, or of the row's own id.
        drawing: shares, salt and clock.
    Returns: rows of `experiment_assignments`.
    """
    plain, contested = _sort_out(claims, drawing)
    settled = list(_settle(contested, drawing))
    stays = plain.select(ASSIGNMENTS.names).cast(ASSIGNMENTS)
    kept = pa.concat_tables([stays, table_of(settled, ASSIGNMENTS)])
    new = candidates.filter(
        pc.invert(pc.is_in(_pairs(candidates, c.UNIFIED_ID), value_set=_pairs(kept, c.UNIFIED_ID).combine_chunks()))
    )
    homes = dict(zip(contested[CLAIMED_BY].to_pylist(), contested[HOME].to_pylist(), strict=True))
    beside = plain.filter(pc.is_in(_pairs(plain, HOME), value_set=_pairs(new, HOME).combine_chunks()))
    existing = [*zip(beside[HOME].to_pylist(), rows_of(beside), strict=True)]
    existing += [(homes[row.unified_id], row) for row in settled if row.end_reason is None]
    return pa.concat_tables([kept, table_of(list(_assign_new(new, existing, drawing)), ASSIGNMENTS)])


def _sort_out(claims: pa.Table, drawing: Drawing) -> tuple[pa.Table, pa.Table]:
    """The rows that stay as they are, which mostly are nearly all, and the others."""
    key = pc.binary_join_element_wise(claims[c.EXPERIMENT], claims[CLAIMED_BY], "\n")
    counts = pc.value_counts(key)
    several = counts.field("values").filter(pc.greater(counts.field("counts"), 1)).drop_null()
    configured = pc.is_in(claims[c.EXPERIMENT], value_set=pa.array(sorted(drawing.splits), pa.string()))
    is_own = pc.and_(pc.equal(claims[CLAIM], OWN), pc.is_valid(claims[CLAIMED_BY]))
    is_alone = pc.and_(is_own, pc.invert(pc.is_in(key, value_set=several)))
    is_plain = pc.and_(pc.and_(is_alone, configured), pc.is_null(claims[c.END_REASON]))
    return claims.filter(is_plain), claims.filter(pc.invert(is_plain))


def _settle(contested: pa.Table, drawing: Drawing) -> Iterator[Assignment]:
    """One row for each id that claims one, and an end for each row that its own id does not claim."""
    columns = (contested[name].to_pylist() for name in (CLAIMED_BY, CLAIM))
    claims = list(zip(rows_of(contested), *columns, strict=True))
    for row, claimed_by, claim in claims:
        if claimed_by is None:
            yield _ended(row, claim, drawing)
    claimed = [(row.experiment, claimed_by, claim == PART, row) for row, claimed_by, claim in claims if claimed_by]
    for (experiment, unified_id), group in groupby(sorted(claimed, key=lambda it: it[:3]), key=lambda it: it[:2]):
        best = _best(list(group))._replace(unified_id=unified_id)
        is_configured = experiment in drawing.splits
        yield best._replace(ended_at=None, end_reason=None) if is_configured else _ended(best, DROPPED, drawing)


def _best(claims: list[tuple[str, str, bool, Assignment]]) -> Assignment:
    """The row that counts: an id that was split off has the arm of the whole only if it has none of its own."""
    rows = [row for *_, is_part, row in claims if not is_part] or [row for *_, row in claims]
    return min(rows, key=lambda it: it.precedence)


def _ended(row: Assignment, reason: str, drawing: Drawing) -> Assignment:
    if row.end_reason == reason:
        return row
    return row._replace(ended_at=drawing.as_of, end_reason=reason)


def _assign_new(new: pa.Table, existing: Iterable[tuple[str, Assignment]], drawing: Drawing) -> Iterator[Assignment]:
    """Give an arm to who has none.

    Args:
        new: candidates.
        existing: rows of the same homes, each with its home.
        drawing: shares, salt and clock.
    """
    leaders: dict[tuple[str, str], Assignment] = {}
    for home, row in existing:
        leaders[row.experiment, home] = min(leaders.get((row.experiment, home), row), row, key=lambda it: it.precedence)
    told: dict[tuple[str, str], Assignment] = {}
    names = (c.EXPERIMENT, c.UNIFIED_ID, c.ARM, c.ASSIGNED_AT, HOME)
    for experiment, unified_id, arm, at, home in zip(*(new[name].to_pylist() for name in names), strict=True):
        split = drawing.splits[experiment]
        unit = home if split.household else unified_id
        row = Assignment(experiment, unified_id, arm, unit, at, drawing.release, IMPORTED, split.text)
        if arm is not None:
            key = experiment, unified_id
            told[key] = min(told.get(key, row), row, key=lambda it: it.precedence)
            continue
        drawn = row._replace(assigned_at=drawing.as_of, origin=DRAWN)
        if split.household and (leader := leaders.get((experiment, home))) is not None:
            yield drawn._replace(arm=leader.arm, unit_id=leader.unit_id, split=leader.split)
        else:
            salted = draw_arm(split, experiment=experiment, unit_id=unit, namespace=drawing.namespace)
            yield drawn._replace(arm=salted)
    yield from told.values()


def draw_arm(split: Split, *, experiment: str, unit_id: str, namespace: str) -> str:
    """The arm into whose share the hash of a unit falls; control's share comes first, then the others by name."""
    digest = hash_key(experiment=experiment, namespace=namespace, unit_id=unit_id)
    percent = int(digest[:_HASH_DIGITS], 16) / 16**_HASH_DIGITS * 100
    arms = sorted(split.shares, key=lambda arm: (arm != CONTROL, arm))
    reached = 0.0
    for arm in arms:
        reached += split.shares[arm]
        if percent < reached:
            return arm
    return next(arm for arm in reversed(arms) if split.shares[arm])  # the shares' sum was rounded


def find_unknown_arms(rows: pa.Table, splits: Mapping[str, Split]) -> dict[str, list[str]]:
    """The arms that have people and are not configured, by experiment."""
    pairs = rows.filter(pc.is_null(rows[c.END_REASON])).select([c.EXPERIMENT, c.ARM]).group_by([c.EXPERIMENT, c.ARM])
    unknown: dict[str, list[str]] = {}
    for row in sorted(pairs.aggregate([]).to_pylist(), key=lambda it: (it[c.EXPERIMENT], it[c.ARM])):
        split = splits.get(row[c.EXPERIMENT])
        if split is not None and row[c.ARM] not in split.shares:
            unknown.setdefault(row[c.EXPERIMENT], []).append(row[c.ARM])
    return unknown


def _pairs(table: pa.Table, other: str) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(table[c.EXPERIMENT], table[other], "\n")
