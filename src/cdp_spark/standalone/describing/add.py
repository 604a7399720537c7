"""`cdp source add`: sources' YAML files, written beside those that a project has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cdp_spark.config.authoring.starter import example_sources
from cdp_spark.config.load.sections import load_section
from cdp_spark.config.project import ProjectSettings
from cdp_spark.config.source import SourceConfig
from cdp_spark.errors import CdpError, ConfigError
from cdp_spark.ingest.reading.files import find_files, place_of_files
from cdp_spark.standalone.describing.link import link_numbers
from cdp_spark.standalone.describing.propose import propose
from cdp_spark.standalone.describing.render import render
from cdp_spark.standalone.describing.sample import sample_file
from cdp_spark.standalone.files import Input, name_inputs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from cdp_spark.standalone.describing.sample import Proposal


@dataclass(frozen=True)
class Added:
    """A source that was written.

    Args:
        proposal: what it says.
        path: its YAML.
        mistakes: what `cdp validate` would not accept, as sentences.
    """

    proposal: Proposal
    path: Path
    mistakes: tuple[str, ...] = ()


def add_sources(
    files: Sequence[str],
    folder: Path,
    *,
    options: Mapping[str, str],
    name: str | None = None,
    region: str | None = None,
) -> list[Added]:
    """Write a source's YAML for each file; the made-up sources of a new project's template go.

    Args:
        files: paths.
        folder: of the project.
        options: how the files are written, as far as that is known.
        name: of the source, where there is one file; None names each after its file.
        region: country of phones and postcodes that name none.

    Raises:
        ConfigError: a source of the name is there already, or the folder is no project; nothing was written.
        DataError: a file cannot be read; nothing was written.
    """
    if not (folder / "project.yaml").is_file():
        fix = f"pass --project DIR, set CDP_PROJECT, or run `cdp init {folder}`"
        raise ConfigError(str(folder), got="no project.yaml", allowed="a project folder", fix=fix)
    inputs = name_inputs(files, options)
    if name is not None and len(inputs) > 1:
        raise ConfigError("--name", got=f"{len(inputs)} files", allowed="one file", fix="leave --name out")
    inputs = [Input(name or it.name, it.path, it.options) for it in inputs]
    examples = example_sources(folder)
    taken = [it.name for it in inputs if (path := _path(folder, it.name)).exists() and path not in examples]
    if taken:
        paths = ", ".join(str(_path(folder, it)) for it in taken)
        fix = "remove it first, or give the new source another --name; nothing was written"
        raise ConfigError(paths, got="a source that is there already", allowed="a new source", fix=fix)
    settings = _settings(folder)
    found = [_propose(it, folder, settings, region) for it in inputs]
    for path in examples:
        path.unlink()
    return [_write(it, folder) for it in link_numbers(found, _present(folder, settings))]


def _path(folder: Path, name: str) -> Path:
    return folder / "sources" / f"{name}.yaml"


def _settings(folder: Path) -> ProjectSettings | None:
    try:
        return load_section(ProjectSettings, folder / "project.yaml")
    except ConfigError:
        return None


def _propose(given: Input, folder: Path, settings: ProjectSettings | None, region: str | None) -> Proposal:
    return propose(given.name, sample_file(given, folder=folder, settings=settings), settings=settings, region=region)


def _present(folder: Path, settings: ProjectSettings | None) -> list[Proposal]:
    """What would be proposed for the project's own sources, with the identifiers that they have."""
    found = []
    for path in sorted((folder / "sources").glob("*.yaml")):
        try:
            source = load_section(SourceConfig, path)
            place = place_of_files(source, str(folder))
            files = find_files(place, source.options) if place is not None else []
            proposal = _propose(Input(source.name, files[-1]), folder, settings, None) if files else None
        except CdpError:
            continue
        if proposal is not None:
            own = {"kind": source.kind, "identifiers": dict(source.identifiers)}
            found.append(replace(proposal, settings=own))
    return found


def _write(proposal: Proposal, folder: Path) -> Added:
    path = _path(folder, proposal.name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(render(proposal), encoding="utf-8")
    try:
        load_section(SourceConfig, path)
    except ConfigError as error:
        return Added(proposal, path, tuple(str(error).splitlines()))
    return Added(proposal, path)
