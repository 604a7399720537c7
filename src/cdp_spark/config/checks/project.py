"""All checks across files, that of names among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.config.checks.destinations import destination_mistakes
from cdp_spark.config.checks.identifiers import identifier_mistakes
from cdp_spark.config.checks.insights import behaviour_mistakes, event_mistakes, experiment_mistakes, quality_mistakes
from cdp_spark.config.checks.matching import match_mistakes
from cdp_spark.config.checks.segments import segment_mistakes
from cdp_spark.config.checks.survivorship import survivorship_mistakes
from cdp_spark.config.traits.checks import trait_mistakes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdp_spark.config.checks.files import ProjectFiles, Section
    from cdp_spark.config.segment import SegmentConfig
    from cdp_spark.config.source import SourceConfig
    from cdp_spark.errors import ConfigError


def name_mistakes(files: ProjectFiles) -> Iterator[ConfigError]:
    """Find names that are given twice."""
    yield from _twice(files.sources)
    yield from _twice(files.segments)
    if files.destinations is not None:
        seen: set[str] = set()
        for index, destination in enumerate(files.destinations.value.destinations):
            if destination.name in seen:
                got = f"the name '{destination.name}' twice"
                yield files.destinations.mistake("destinations", index, "name", got=got, fix="rename one")
            seen.add(destination.name)


def _twice(sections: tuple[Section[SourceConfig], ...] | tuple[Section[SegmentConfig], ...]) -> Iterator[ConfigError]:
    first: dict[str, str] = {}
    for section in sections:
        name = section.value.name
        if name in first:
            yield section.mistake("name", got=f"the name '{name}', which {first[name]} has", fix="rename one")
        first.setdefault(name, section.document.name)


_CHECKS = (
    *(name_mistakes, identifier_mistakes, event_mistakes, match_mistakes, survivorship_mistakes, quality_mistakes),
    *(behaviour_mistakes, trait_mistakes, segment_mistakes, experiment_mistakes, destination_mistakes),
)


def cross_check(files: ProjectFiles) -> list[ConfigError]:
    """Find what is wrong between files that are each valid by themselves."""
    return [mistake for check in _CHECKS for mistake in check(files)]
