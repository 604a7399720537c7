"""All checks across files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.config.checks.behaviour import behaviour_mistakes
from cdp_spark.config.checks.destinations import destination_mistakes
from cdp_spark.config.checks.events import event_mistakes
from cdp_spark.config.checks.experiments import experiment_mistakes
from cdp_spark.config.checks.identifiers import identifier_mistakes
from cdp_spark.config.checks.matching import match_mistakes
from cdp_spark.config.checks.names import name_mistakes
from cdp_spark.config.checks.quality import quality_mistakes
from cdp_spark.config.checks.segments import segment_mistakes
from cdp_spark.config.checks.survivorship import survivorship_mistakes
from cdp_spark.config.traits.checks import trait_mistakes

if TYPE_CHECKING:
    from cdp_spark.config.checks.files import ProjectFiles
    from cdp_spark.errors import ConfigError

_CHECKS = (
    *(name_mistakes, identifier_mistakes, event_mistakes, match_mistakes, survivorship_mistakes, quality_mistakes),
    *(behaviour_mistakes, trait_mistakes, segment_mistakes, experiment_mistakes, destination_mistakes),
)


def cross_check(files: ProjectFiles) -> list[ConfigError]:
    """Find what is wrong between files that are each valid by themselves."""
    return [mistake for check in _CHECKS for mistake in check(files)]
