"""`gates.quality` of `project.yaml`: measures of sources that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.config.base import choose_one

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdp_spark.config.checks.files import ProjectFiles
    from cdp_spark.errors import ConfigError


def quality_mistakes(files: ProjectFiles) -> Iterator[ConfigError]:
    """Find gates of sources that do not exist, or of consents, which are not measured."""
    if files.settings is None or not files.are_whole("sources"):
        return
    measured = [it.value.name for it in files.sources if it.value.kind in ("records", "events")]
    for place, gate in enumerate(files.settings.value.gates.quality):
        if gate.source not in measured:
            yield files.settings.mistake(
                "gates",
                "quality",
                place,
                "source",
                got=f"'{gate.source}'",
                allowed=", ".join(measured),
                fix=choose_one(gate.source, measured),
            )
