"""Check all sources of a project against their files: columns, refused rows, cells that cannot be read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from cdp_spark import columns as c
from cdp_spark.config.load import load_project
from cdp_spark.config.load.sections import load_section
from cdp_spark.config.project import ProjectSettings
from cdp_spark.config.source import SourceConfig
from cdp_spark.errors import CdpError, ConfigError, DataError, InvalidProjectError
from cdp_spark.ingest.checks import judge
from cdp_spark.ingest.reading.files import FILE_FORMATS, place_of_files
from cdp_spark.ingest.staging.facts import add_facts, count_facts
from cdp_spark.ingest.staging.repeats import count_repeats
from cdp_spark.standalone.describing.reading import read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from cdp_spark.standalone.describing.reading import ReadRows

Model = TypeVar("Model", SourceConfig, ProjectSettings)

CLEANED_ROWS = 2_000
_MISTAKE, _WARNING = 0.5, 0.05
"""Share of a field's values that cannot be read: what that is."""
_ENOUGH = 5


@dataclass(frozen=True)
class SourceCheck:
    """What a source's files hold.

    Args:
        source: its name.
        rows: that were looked at.
        rejected: how many of them are refused.
        errors: what stops a run.
        warnings: what is worth a look, as sentences.
        is_read: False where only Spark can read the source.
    """

    source: str
    rows: int = 0
    rejected: int = 0
    errors: tuple[CdpError, ...] = ()
    warnings: tuple[str, ...] = ()
    is_read: bool = True


def readable_parts(folder: Path) -> tuple[list[SourceConfig], ProjectSettings | None, list[CdpError]]:
    """Return a project's sources and settings as far as they are valid, and all mistakes of its configuration."""
    try:
        project = load_project(folder)
        return list(project.sources), project.settings, []
    except InvalidProjectError as error:
        mistakes: list[CdpError] = list(error.errors)
    sources = [it for path in sorted((folder / "sources").glob("*.yaml")) if (it := _valid(SourceConfig, path))]
    return sources, _valid(ProjectSettings, folder / "project.yaml"), mistakes


def check_source(
    source: SourceConfig, *, folder: Path, settings: ProjectSettings | None, as_of: datetime
) -> SourceCheck:
    """Check one source against its newest delivery."""
    if place_of_files(source, str(folder)) is None:
        unread = "its place" if source.format in FILE_FORMATS else source.format
        said = f"{source.name}: not checked, since only Spark reads {unread}."
        return SourceCheck(source.name, warnings=(said,), is_read=False)
    region = settings.default_region if settings else "US"
    try:
        found = read_rows(source, folder=str(folder), region=region, as_of=as_of, most=CLEANED_ROWS)
    except CdpError as error:
        if source.on_empty == "warn" and isinstance(error, DataError) and error.got.startswith("no file"):
            return SourceCheck(source.name, warnings=(f"{source.name}: no file at {source.path}.",))
        return SourceCheck(source.name, errors=(error,))
    tally = add_facts([count_facts(found.staged), count_repeats(found.staged)]).get(source.name)
    errors: list[CdpError] = []
    if tally is not None:
        _, refused = judge(source, tally, found.declared, last=None, force=False)
        errors += refused
    errors += _unread_fields(found)
    warnings = (*_doubtful_fields(found), *_strange_purposes(found, settings))
    return SourceCheck(source.name, found.staged.num_rows, len(found.rejected), tuple(errors), warnings)


def _valid(model: type[Model], path: Path) -> Model | None:
    try:
        return load_section(model, path, env=os.environ)
    except ConfigError:
        return None


def _unread_fields(found: ReadRows) -> Iterator[DataError]:
    if found.source.kind != "records":
        return  # there a row of which a field cannot be read is refused, which is told already
    for field in found.fields:
        if field.unread >= max(_ENOUGH, _MISTAKE * field.filled):
            got = f"{field.unread:,} of {field.filled:,} values in {', '.join(field.columns)} that cannot be read"
            reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in field.reasons.most_common(3))
            fix = f"correct `{field.meaning}`; `cdp source preview {found.source.name}` shows the values"
            yield DataError(f"source {found.source.name}, {field.meaning}", got=f"{got} ({reasons})", fix=fix)


def _doubtful_fields(found: ReadRows) -> Iterator[str]:
    name = found.source.name
    for field in found.fields:
        if _WARNING * field.filled < field.unread < max(_ENOUGH, _MISTAKE * field.filled):
            yield f"{name}: {field.unread:,} of {field.filled:,} values of {field.meaning} cannot be read."
        elif field.columns and not field.filled and found.staged.num_rows:
            yield f"{name}: {field.meaning} is always empty ({', '.join(field.columns)})."


def _strange_purposes(found: ReadRows, settings: ProjectSettings | None) -> Iterator[str]:
    if found.source.kind != "consents" or settings is None:
        return
    given = {text for text in found.staged[c.PURPOSE].to_pylist() if text}
    strange = sorted(given - {*settings.consent.purposes})
    if strange:
        yield f"{found.source.name}: purposes that project.yaml does not name: {', '.join(strange[:5])}."
