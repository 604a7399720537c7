"""Which keys a model takes at a place inside it."""

from __future__ import annotations

import types
import typing

from pydantic import BaseModel

if typing.TYPE_CHECKING:
    from typing_extensions import TypeIs

    from cdp_spark.config.documents.document import Location


MIN_OPTIONS = 2
"""Models of a union that a `kind` tells apart."""


def keys_at(model: type[BaseModel], location: Location) -> list[str]:
    """List the keys of the section at a location, as they are written in YAML.

    Args:
        model: the file's model.
        location: keys and indexes from the root.
    """
    annotation: object = model
    for part in location:
        annotation = _tagged(annotation, part) or _inside(_section(annotation), part)
    section = _section(annotation)
    return [field.alias or name for name, field in section.model_fields.items()] if _is_model(section) else []


def _inside(annotation: object, part: str | int) -> object:
    if _is_model(annotation):
        fields = {field.alias or name: field.annotation for name, field in annotation.model_fields.items()}
        return fields.get(str(part))
    arguments = typing.get_args(annotation)
    return arguments[1 if typing.get_origin(annotation) is dict else 0] if arguments else None


def _tagged(annotation: object, part: str | int) -> object:
    """The model of a union whose `kind` is the part: pydantic names it there."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _tagged(typing.get_args(annotation)[0], part)
    options = [it for it in typing.get_args(annotation) if _is_model(it)]
    if len(options) < MIN_OPTIONS:
        return None
    return next((it for it in options if part in typing.get_args(it.model_fields["kind"].annotation)), None)


def _section(annotation: object) -> object:
    """Strip `Annotated` and `| None`."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _section(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return _section(next(option for option in typing.get_args(annotation) if option is not type(None)))
    return annotation


def _is_model(annotation: object) -> TypeIs[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
