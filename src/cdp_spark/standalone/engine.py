"""What an engine does for `resolve`: sample, score and cluster the records that it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from cdp_spark.config.match import EntityMatch
    from cdp_spark.resolution.learning.sample import Sample
    from cdp_spark.standalone.records import Described

CLUSTER_ID = "cluster_id"


@dataclass(frozen=True)
class Clustered:
    """Clusters and their figures.

    Args:
        clusters: one row per record: source, record_id, cluster_id; an Arrow table, or a DataFrame of Spark's engine.
        pair_count: pairs compared.
        cluster_count: clusters.
        largest_cluster: records of the largest one.
    """

    clusters: Any
    pair_count: int
    cluster_count: int
    largest_cluster: int


class Engine(Protocol):
    """Where records are matched; every engine gives the same clusters."""

    @property
    def described(self) -> Described:
        """What is known of the records."""

    def sample(self, match: EntityMatch) -> Sample:
        """Take a sample of the records, with all that the match compares."""

    def score(self, match: EntityMatch, sample: Sample | None) -> Any:  # noqa: ANN401 - its own kind of scored pairs
        """Compare and weigh the pairs by a model that is fitted from them."""

    def cluster(self, scored: Any, match: EntityMatch, *, unique_within_source: bool) -> Clustered:  # noqa: ANN401
        """Cluster the records by the scored pairs."""

    def pairs(self, scored: Any) -> Any:  # noqa: ANN401
        """List the scored pairs: both ends' source and id, weight, and the level of each comparison by name."""
