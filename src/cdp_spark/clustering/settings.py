"""A checksum of the settings that pairs and clusters are made with: where it changes, a night is full."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

from cdp_spark.clustering.identifiers.links import linking_types

if TYPE_CHECKING:
    from cdp_spark.config.project import Project

FORMAT = 4
"""Raised where features, block keys, comparisons, clusters or their tables come to mean something else."""


def settings_checksum(project: Project, entity_type: str) -> float:
    """CRC-32 of what decides about an entity type's pairs and clusters beside its records and its model.

    Among the figures of a run it tells the next run whether the settings are still the same.
    """
    match = project.match.entities[entity_type]
    settings = {
        "format": FORMAT,
        "match": match.model_dump(mode="json"),
        "identifiers": project.match.identifiers.model_dump(mode="json"),
        "types": linking_types(project),
        "sources": [[it.name, it.entity_type, it.duplicate_free] for it in project.sources],
    }
    return float(zlib.crc32(json.dumps(settings, sort_keys=True).encode()))
