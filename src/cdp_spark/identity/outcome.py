"""What a night makes of ids, wherever it is worked out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Outcome:
    """Tonight's tables.

    Args:
        unified_ids: of the records that were looked at.
        changes: tonight's rows of `id_changes`.
        registry: every id ever issued.
    """

    unified_ids: DataFrame
    changes: DataFrame
    registry: DataFrame


@dataclass(frozen=True)
class EvidenceFrames:
    """What may have moved records.

    Args:
        changed: record_key of the records whose content changed since the last release.
        pairs: record_key_l, record_key_r, cause of labels, and of what a limit kept apart.
    """

    changed: DataFrame
    pairs: DataFrame
