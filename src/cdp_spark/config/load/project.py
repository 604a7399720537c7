"""A project folder to a `Project`, or all its mistakes at once."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cdp_spark.config.base import Strict, choose_one
from cdp_spark.config.checks.destinations import delivery_mistakes
from cdp_spark.config.checks.files import ProjectFiles, Section
from cdp_spark.config.checks.places import place_mistakes
from cdp_spark.config.checks.project import cross_check
from cdp_spark.config.destination import DestinationsConfig
from cdp_spark.config.experiments import ExperimentsConfig
from cdp_spark.config.insights.section import InsightsConfig
from cdp_spark.config.load.secrets import reveal
from cdp_spark.config.load.sections import read_section
from cdp_spark.config.match import MatchConfig
from cdp_spark.config.profile import SurvivorshipConfig
from cdp_spark.config.project import Project, ProjectSettings
from cdp_spark.config.segment import SegmentConfig
from cdp_spark.config.source import SourceConfig
from cdp_spark.errors import CdpError, ConfigError, InvalidProjectError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Model = TypeVar("Model", bound=Strict)

FILES: dict[str, type[Strict]] = {
    "project.yaml": ProjectSettings,
    "match.yaml": MatchConfig,
    "survivorship.yaml": SurvivorshipConfig,
    "insights.yaml": InsightsConfig,
    "experiments.yaml": ExperimentsConfig,
    "destinations.yaml": DestinationsConfig,
}
FOLDERS: dict[str, type[Strict]] = {"sources": SourceConfig, "segments": SegmentConfig}
"""Folders of which each file is one section."""


def load_project(folder: Path, *, env: Mapping[str, str] = os.environ) -> Project:
    """Read and check a project folder.

    Args:
        folder: holds `project.yaml`, `match.yaml`, `sources/*.yaml` and, if wanted, `survivorship.yaml`,
            `insights.yaml`, `segments/*.yaml`, `experiments.yaml`, `destinations.yaml`.
        env: where `${NAME}` comes from.
    Returns: the project; its secrets are revealed to who uses them and hidden from who prints them.
    Raises: InvalidProjectError: all mistakes of all files at once.
    """
    folder = Path(folder)
    mistakes: list[CdpError] = list(_folder_mistakes(folder))
    files = _read_files(folder, env, mistakes) if folder.is_dir() else ProjectFiles()
    mistakes += [*cross_check(files), *place_mistakes(files, folder, env), *delivery_mistakes(files, env)]
    if mistakes or files.settings is None or files.match is None:
        raise InvalidProjectError(mistakes)
    sections = {
        "settings": files.settings.value,
        "sources": tuple(_with_share(section.value, files.settings.value) for section in files.sources),
        "match": files.match.value,
        "survivorship": files.survivorship.value if files.survivorship else SurvivorshipConfig(),
        "insights": files.insights.value if files.insights else InsightsConfig(),
        "segments": tuple(section.value for section in files.segments),
        "experiments": files.experiments.value if files.experiments else ExperimentsConfig(),
        "destinations": files.destinations.value if files.destinations else DestinationsConfig(),
    }
    project = Project.model_validate({"folder": str(folder), "config_hash": "", **sections})
    return reveal(project.model_copy(update={"config_hash": config_hash(project)}), env)


def _with_share(source: SourceConfig, settings: ProjectSettings) -> SourceConfig:
    """A source that says nothing takes the share of rejected rows that the project states."""
    name = "max_rejected_share"
    if name in source.model_fields_set or name not in settings.gates.model_fields_set:
        return source
    return source.model_copy(update={name: settings.gates.max_rejected_share})


def config_hash(project: Project) -> str:
    """Hash what a project says: no secrets, no comments, not where its folder is, not how its files are named."""
    content = project.model_dump(mode="json", exclude={"folder", "config_hash"})
    for name in FOLDERS:
        content[name].sort(key=lambda section: section["name"])
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _read_files(folder: Path, env: Mapping[str, str], mistakes: list[CdpError]) -> ProjectFiles:
    broken: set[str] = set()

    def read(model: type[Model], path: Path, kind: str) -> Iterator[Section[Model]]:
        try:
            yield read_section(model, path, env=env)
        except InvalidProjectError as error:
            mistakes.extend(error.errors)
            broken.add(kind)
        except ConfigError as error:
            mistakes.append(error)
            broken.add(kind)

    def read_optional(model: type[Model], name: str) -> Section[Model] | None:
        path = folder / name
        return next(read(model, path, name), None) if path.exists() else None

    def read_all(model: type[Model], name: str) -> tuple[Section[Model], ...]:
        return tuple(section for path in _yaml_files(folder / name) for section in read(model, path, name))

    return ProjectFiles(
        settings=next(read(ProjectSettings, folder / "project.yaml", "project.yaml"), None),
        sources=read_all(SourceConfig, "sources"),
        match=next(read(MatchConfig, folder / "match.yaml", "match.yaml"), None),
        survivorship=read_optional(SurvivorshipConfig, "survivorship.yaml"),
        insights=read_optional(InsightsConfig, "insights.yaml"),
        segments=read_all(SegmentConfig, "segments"),
        experiments=read_optional(ExperimentsConfig, "experiments.yaml"),
        destinations=read_optional(DestinationsConfig, "destinations.yaml"),
        broken=frozenset(broken),
    )


def _yaml_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.yaml") if path.is_file())


def _folder_mistakes(folder: Path) -> Iterator[ConfigError]:
    """Find what would be overlooked in silence: misspelt files and folders, no sources."""
    if not folder.is_dir():
        fix = f"Pass --project DIR, set CDP_PROJECT, or run `cdp init {folder}`"
        said = f"Project folder not found. {fix}."
        yield ConfigError(str(folder), got="no such folder", allowed="a project folder", fix=fix, said=said)
        return
    for path in sorted(folder.iterdir()):
        if path.suffix in (".yaml", ".yml") and path.name not in FILES:
            yield _stray(path, list(FILES))
        elif path.is_dir() and path.name not in FOLDERS and any(path.glob("*.yaml")):
            yield from _stray_folder(path)
    for name in FOLDERS:
        for path in sorted((folder / name).glob("*.yml")):
            yield ConfigError(str(path), got="the ending .yml", allowed=".yaml", fix=f"rename it to {path.stem}.yaml")
    if not _yaml_files(folder / "sources"):
        yield ConfigError(str(folder / "sources"), got="no source", allowed="one YAML file a source", fix="add one")


def _stray(path: Path, allowed: Sequence[str]) -> ConfigError:
    fix = f"{choose_one(path.name, allowed)}; keep other YAML files elsewhere"
    return ConfigError(str(path), got=f"unknown file '{path.name}'", allowed=", ".join(allowed), fix=fix)


def _stray_folder(path: Path) -> Iterator[ConfigError]:
    fix = choose_one(path.name, FOLDERS)
    if "did you mean" in fix:
        yield ConfigError(str(path), got=f"unknown folder '{path.name}'", allowed=", ".join(FOLDERS), fix=fix)
