"""Every key of the configuration: what it means, its type, its default and an example, told by the models.

A description is the docstring below a field, or else what `keys.yaml` says; an example is that of `keys.yaml`, or else
the default or the first allowed value.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import textwrap
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

import yaml

from cdp_spark.config.base import Strict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Schema = dict[str, Any]
_FOLDER = "cdp_spark.config.authoring"
_TYPE_WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
_OF_TYPE = {"string": "text", "integer": 10, "number": 0.5, "boolean": True}


def annotate(schema: Schema, kind: str, model: type[Strict]) -> Schema:
    """Give each key of a model's JSON Schema a description and an example.

    Args:
        schema: of the model, with `$defs`.
        kind: of file, such as `source`.
        model: what the schema was made of.
    """
    definitions: dict[str, Schema] = schema.get("$defs", {})
    _annotate_model(schema, model, f"{kind}.", definitions)
    for name, definition in definitions.items():
        found = _models().get(name)
        if found is not None:
            _annotate_model(written_out(definition), found, f"{name}.", definitions)
    return schema


def written_out(definition: Schema) -> Schema:
    """Return the form of a model in which every key is written: some may also be written as one value."""
    options = definition.get("anyOf", ())
    return next((it for it in options if "properties" in it), definition)


def type_words(property_: Schema, definitions: Mapping[str, Schema]) -> str:
    """Say in words what a key may hold."""
    if "$ref" in property_:
        name = property_["$ref"].rpartition("/")[2]
        enum = definitions[name].get("enum")
        return _choice(enum) if enum else f"[{name}](#{name.lower()})"
    if "enum" in property_ or "const" in property_:
        return _choice(property_.get("enum", [property_.get("const")]))
    if "anyOf" in property_:
        words = [type_words(it, definitions) for it in property_["anyOf"] if it.get("type") != "null"]
        return " or ".join(dict.fromkeys(words))
    if property_.get("type") == "array":
        return f"list of {type_words(property_.get('items', {}), definitions)}"
    if property_.get("type") == "object":
        values = _of_keys(property_)
        return f"keys with {type_words(values, definitions)}" if isinstance(values, dict) else "keys and values"
    return _TYPE_WORDS.get(property_.get("type", ""), "any value")


def _of_keys(property_: Schema) -> Any:  # noqa: ANN401 - a schema, or true, or nothing
    """What the values of an object hold whose keys are the writer's own."""
    named = [*property_.get("patternProperties", {}).values()]
    return named[0] if named else property_.get("additionalProperties")


def _annotate_model(schema: Schema, model: type[Strict], place: str, definitions: Mapping[str, Schema]) -> None:
    told = docstrings(model)
    for field, info in model.model_fields.items():
        property_ = schema.get("properties", {}).get(info.alias or field)
        if property_ is None:
            continue
        key = f"{place}{info.alias or field}"
        if text := info.description or told.get(field) or _told().get(key, (None,))[0]:
            property_["description"] = " ".join(text.split())
        property_["examples"] = [_example(key, property_, definitions)]


@cache
def docstrings(model: type[Strict]) -> dict[str, str]:
    """Return the docstring below each field of a model, those of the models that it extends included."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if not issubclass(base, Strict) or base is Strict:
            continue
        body = cast("ast.ClassDef", ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]).body
        found |= dict(_below_fields(body))
    return found


def _below_fields(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for field, below in itertools.pairwise(body):
        is_text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and is_text:
            yield field.target.id, str(below.value.value)  # type: ignore[attr-defined] # a constant, as was seen


@cache
def _models() -> dict[str, type[Strict]]:
    found: dict[str, type[Strict]] = {}
    left: list[type[Strict]] = [Strict]
    while left:
        model = left.pop()
        found[model.__name__] = model
        left += model.__subclasses__()
    return found


@cache
def _told() -> dict[str, tuple[str | None, Any]]:
    """Return the description and the example of keys whose models do not have them."""
    text = (files(_FOLDER) / "keys.yaml").read_text(encoding="utf-8")
    return {key: (words, example) for key, (words, example) in yaml.safe_load(text).items()}


def _example(key: str, property_: Schema, definitions: Mapping[str, Schema]) -> Any:  # noqa: ANN401 - YAML's own values
    if key in _told():
        return _told()[key][1]
    if property_.get("default") not in (None, [], {}, ()):
        return property_["default"]
    return _first_allowed(property_, definitions)


def _first_allowed(property_: Schema, definitions: Mapping[str, Schema]) -> Any:  # noqa: ANN401 - YAML's own values
    if "$ref" in property_:
        definition = definitions[property_["$ref"].rpartition("/")[2]]
        properties = written_out(definition).get("properties", {})
        required = written_out(definition).get("required", [])
        if not properties:
            return _first_allowed(definition, definitions)
        return {name: _first_allowed(properties[name], definitions) for name in required}
    if "anyOf" in property_:
        return _first_allowed(next(it for it in property_["anyOf"] if it.get("type") != "null"), definitions)
    if "enum" in property_:
        return property_["enum"][0]
    inner = property_.get("items", _of_keys(property_))
    if property_.get("type") in ("array", "object") and isinstance(inner, dict):
        first = _first_allowed(inner, definitions)
        return [first] if property_["type"] == "array" else {"name": first}
    return property_.get("const", _OF_TYPE.get(property_.get("type", ""), "text"))


def _choice(values: list[Any]) -> str:
    return " or ".join(f"`{value}`" for value in values)
