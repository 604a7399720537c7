"""What is told about a pair of records."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdp_spark.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cdp_spark.explain.chain import Link

PRIOR = "prior"
RELATED = "related people"


@dataclass(frozen=True)
class RecordName:
    """A record, as people and tables call it.

    Args:
        record_key: its key.
        source: where it came from.
        source_record_id: its id there.
        entity_type: person or account.
    """

    record_key: str
    source: str
    source_record_id: str
    entity_type: str

    @property
    def title(self) -> str:
        """The short name: `source:source_record_id`."""
        return f"{self.source}:{self.source_record_id}"


@dataclass(frozen=True)
class Contribution:
    """What one comparison, or the prior, says about a pair.

    Args:
        name: of the comparison; `prior` for how often the pair's rules are right.
        level: how alike the values are, in words.
        values_l: the left record's values, column by column.
        values_r: the right record's.
        bits: by which it moves the match weight.
        counted: share of the pair's rules under which it counts; a rule's own columns agree by its choice.
    """

    name: str
    level: str
    values_l: tuple[str, ...]
    values_r: tuple[str, ...]
    bits: float
    counted: float


@dataclass(frozen=True)
class LabelFact:
    """A label on the pair; the newest is in force.

    Args:
        label: must_link or cannot_link.
        author: who said so.
        reason: why.
        at: UTC.
    """

    label: str
    author: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class Neighbour:
    """Another record of the pair's clusters.

    Args:
        record: its names.
        cluster: where it is.
        weight_l: bits of its pair with the left record; None where they were not compared.
        weight_r: the same with the right record.
    """

    record: RecordName
    cluster: str
    weight_l: float | None
    weight_r: float | None


@dataclass(frozen=True)
class Surroundings:
    """Where the last run put the two records.

    Args:
        cluster_l: the left record's cluster; None before it was clustered.
        cluster_r: the right record's.
        one_component: whether a chain of edges connects them.
        cut_reason: why an edge between them was not used; None where none was cut.
        neighbours: other records of the clusters, the strongest evidence first; at most MAX_NEIGHBOURS.
        neighbour_count: how many there are.
        chain: where both are in one cluster, the strongest chain of pairs between them.
    """

    cluster_l: str | None
    cluster_r: str | None
    one_component: bool
    cut_reason: str | None
    neighbours: tuple[Neighbour, ...]
    neighbour_count: int
    chain: tuple[Link, ...]

    @property
    def together(self) -> bool:
        """True where the last run put both into one cluster."""
        return self.cluster_l is not None and self.cluster_l == self.cluster_r


@dataclass(frozen=True)
class PairExplanation:
    """Everything about a pair.

    Args:
        left: the record with the smaller key.
        right: the other.
        model_version: of the model that weighs them.
        threshold_log2: weight in bits from which a pair is an edge.
        scored: whether the last run compared them; else they are compared here.
        rules: that found the pair.
        deterministic_rules: of these, the ones that join whatever the weight.
        purged_rules: whose key they share with too many records.
        shared_identifiers: types of the identifiers in common that join records, whatever they weigh.
        contributions: the prior first, related people last, if the model knows them; their bits sum to the weight.
        labels: newest first.
        surroundings: clusters.
    """

    left: RecordName
    right: RecordName
    model_version: int
    threshold_log2: float
    scored: bool
    rules: tuple[str, ...]
    deterministic_rules: tuple[str, ...]
    purged_rules: tuple[str, ...]
    shared_identifiers: tuple[str, ...]
    contributions: tuple[Contribution, ...]
    labels: tuple[LabelFact, ...]
    surroundings: Surroundings

    @property
    def weight_log2(self) -> float:
        """Match weight in bits."""
        return sum(it.bits for it in self.contributions)

    @property
    def probability(self) -> float:
        """That they are the same, by the model alone."""
        return probability(self.weight_log2)

    @property
    def label(self) -> str | None:
        """The label in force."""
        return self.labels[0].label if self.labels else None


def probability(weight_log2: float) -> float:
    """Match probability of a weight in bits: the weight is the log2 of the odds."""
    odds = math.exp2(-abs(weight_log2))
    return 1.0 / (1.0 + odds) if weight_log2 > 0 else odds / (1.0 + odds)


def only_one_type(records: Sequence[RecordName]) -> str:
    """The entity type of all records.

    Raises:
        DataError: there are several types, which are never compared.
    """
    types = {it.entity_type: it for it in records}
    if len(types) > 1:
        got = ", ".join(f"{it.record_key} ({it.entity_type})" for it in types.values())
        raise DataError("records", got=got, allowed="records of one entity type; others are never compared")
    return next(iter(types))


def probability_text(weight_log2: float) -> str:
    """The match probability as a person reads it; beyond ten bits only that it is near 0 or 1."""
    if abs(weight_log2) >= 10:
        return "> 99.9%" if weight_log2 > 0 else "< 0.1%"
    return f"{probability(weight_log2):.1%}"
