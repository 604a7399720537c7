"""One file of a project, read and checked by itself."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from cdp_spark.config.base import Strict, choose_one
from cdp_spark.config.checks.files import Section
from cdp_spark.config.documents.document import Document, read_document
from cdp_spark.config.load.mistakes import mistakes_of
from cdp_spark.config.load.secrets import reveal, secret_mistakes
from cdp_spark.config.match import EntityMatch, MatchConfig
from cdp_spark.errors import ConfigError, InvalidProjectError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.config.documents.document import Json

Model = TypeVar("Model", bound=Strict)


def load_section(model: type[Model], path: Path, *, env: Mapping[str, str] = os.environ) -> Model:
    """Read one YAML file as a model.

    Args:
        model: what the file holds.
        path: the file.
        env: where `${NAME}` comes from.
    Returns: the model, its secrets revealed to who uses them and hidden from who prints them.
    Raises: InvalidProjectError: all mistakes of the file at once.
    """
    try:
        return reveal(read_section(model, Path(path), env=env).value, env)
    except InvalidProjectError:
        raise
    except ConfigError as error:
        raise InvalidProjectError([error]) from None


def load_match(path: Path, *, entity_type: str = "person", env: Mapping[str, str] = os.environ) -> EntityMatch:
    """Read the matching of one entity type.

    Args:
        path: a whole `match.yaml`, or a file with the content of one of its sections.
        entity_type: `person` or `account`; which section of a whole `match.yaml`.
        env: where `${NAME}` comes from.
    Raises: InvalidProjectError: all mistakes of the file at once, or a file without the section.
    """
    if not _is_whole(Path(path)):
        return load_section(EntityMatch, path, env=env)
    sections = load_section(MatchConfig, path, env=env).entities
    if entity_type not in sections:
        got = f"no section `{entity_type}`"
        fix = choose_one(entity_type, sections)
        raise InvalidProjectError([ConfigError(str(path), got=got, allowed=", ".join(sections), fix=fix)])
    return sections[entity_type]


def read_section(model: type[Model], path: Path, *, env: Mapping[str, str]) -> Section[Model]:
    """Read one YAML file as a model and keep where its values stand; secrets stay `${NAME}`.

    Args:
        model: what the file holds.
        path: the file.
        env: where `${NAME}` comes from; only asked whether a name is set.

    Raises:
        ConfigError: the file cannot be read as YAML.
        InvalidProjectError: all mistakes of its content at once.
    """
    document = read_document(path)
    mistakes = list(secret_mistakes(document, env))
    try:
        value = model.model_validate_json(json.dumps(document.data))
    except ValidationError as error:
        mistakes += mistakes_of(error, model=model, document=document)
    if mistakes:
        raise InvalidProjectError(mistakes)
    return Section(document, value)


def _is_whole(path: Path) -> bool:
    try:
        document: Document = read_document(path)
    except InvalidProjectError:
        raise
    except ConfigError as error:
        raise InvalidProjectError([error]) from None
    data: Json = document.data
    return isinstance(data, dict) and bool(MatchConfig.model_fields.keys() & data.keys())
