"""The files of a project that could be read, before they are checked against each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from cdp_spark.config.base import Strict, choose_one
from cdp_spark.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdp_spark.config.destination import DestinationsConfig
    from cdp_spark.config.documents.document import Document, Location
    from cdp_spark.config.experiments import ExperimentsConfig
    from cdp_spark.config.insights.section import InsightsConfig
    from cdp_spark.config.match import MatchConfig
    from cdp_spark.config.profile import SurvivorshipConfig
    from cdp_spark.config.project import ProjectSettings
    from cdp_spark.config.segment import SegmentConfig
    from cdp_spark.config.source import SourceConfig

Model_co = TypeVar("Model_co", bound=Strict, covariant=True)


@dataclass(frozen=True)
class Section(Generic[Model_co]):
    """A file that is valid by itself.

    Args:
        document: its text, for lines and columns.
        value: its content, secrets still `${NAME}`.
    """

    document: Document
    value: Model_co

    def mistake(self, *location: str | int, got: str, allowed: str = "", fix: str = "") -> ConfigError:
        """Make an error about a value of this file."""
        return ConfigError(self.document.where(location), got=got, allowed=allowed, fix=fix)

    def unknown(self, location: Location, noun: str, name: str, allowed: Sequence[str]) -> ConfigError:
        """Make an error about a name that stands for nothing."""
        names = ", ".join(allowed) or "none, as there is none"
        return self.mistake(*location, got=f"unknown {noun} '{name}'", allowed=names, fix=choose_one(name, allowed))


@dataclass(frozen=True)
class ProjectFiles:
    """All files of a project.

    Args:
        settings: `project.yaml`.
        match: `match.yaml`.
        survivorship: `survivorship.yaml`.
        insights: `insights.yaml`.
        experiments: `experiments.yaml`.
        destinations: `destinations.yaml`.
        sources: the files of `sources/`, by name.
        segments: the files of `segments/`, by name.
        broken: kinds of which a file could not be read; checks that need all of a kind are left out for these.
    """

    settings: Section[ProjectSettings] | None = None
    match: Section[MatchConfig] | None = None
    survivorship: Section[SurvivorshipConfig] | None = None
    insights: Section[InsightsConfig] | None = None
    experiments: Section[ExperimentsConfig] | None = None
    destinations: Section[DestinationsConfig] | None = None
    sources: tuple[Section[SourceConfig], ...] = ()
    segments: tuple[Section[SegmentConfig], ...] = ()
    broken: frozenset[str] = frozenset()

    def are_whole(self, *kinds: str) -> bool:
        """Say whether every file of these kinds could be read."""
        return not self.broken.intersection(kinds)
