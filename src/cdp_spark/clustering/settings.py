"""What clustering goes by, and a checksum of it: where the checksum changes, a run is full."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.clustering.identifiers.links import linking_types
from cdp_spark.clustering.kinds import PERSON

if TYPE_CHECKING:
    from cdp_spark.config.match import ClusteringConfig
    from cdp_spark.config.project import Project

FORMAT = 4
"""Raised where features, block keys, comparisons, clusters or their tables come to mean something else."""


@dataclass(frozen=True)
class ClusteringRules:
    """What joins the records of an entity type, and what keeps them apart.

    Args:
        config: threshold, engine, weights, sizes, and columns of which a cluster has one value.
        exclusive_sources: sources without duplicates inside; None for every source.
        linking: types of identifiers that join records.
        unique: types of identifiers of which a cluster has one value.
    """

    config: ClusteringConfig
    exclusive_sources: tuple[str, ...] | None = ()
    linking: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()

    @property
    def types(self) -> tuple[str, ...]:
        """All types of identifiers that matter."""
        return tuple(sorted({*self.linking, *self.unique}))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of records that matter, and their key."""
        return tuple(dict.fromkeys((c.RECORD_KEY, c.SOURCE, *self.config.unique)))


def clustering_rules(project: Project, entity_type: str) -> ClusteringRules:
    """What clustering goes by for an entity type; identifiers join and part people only."""
    linking, unique = linking_types(project) if entity_type == PERSON else ((), ())
    exclusive = tuple(source.name for source in project.sources if source.duplicate_free)
    config = project.match.entities[entity_type].clustering
    return ClusteringRules(config, exclusive, tuple(linking), tuple(unique))


def settings_checksum(project: Project, entity_type: str) -> float:
    """CRC-32 of what decides about an entity type's pairs and clusters beside its records and its model.

    Among the figures of a run it tells the next run whether the settings are still the same.
    """
    match = project.match.entities[entity_type]
    settings = {
        "format": FORMAT,
        "match": match.model_dump(mode="json"),
        "identifiers": {kind: it.model_dump(mode="json") for kind, it in project.identifiers.rules.items()},
        "types": linking_types(project),
        "sources": [[it.name, it.entity_type, it.duplicate_free] for it in project.sources],
    }
    return float(zlib.crc32(json.dumps(settings, sort_keys=True).encode()))
