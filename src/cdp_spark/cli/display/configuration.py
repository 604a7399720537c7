"""The configuration and the expressions' functions as pages of Markdown, made from the models and the grammar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from cdp_spark.config.authoring.keys import type_words, written_out
from cdp_spark.config.authoring.schema import json_schemas
from cdp_spark.config.expressions.functions import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cdp_spark.config.authoring.keys import Schema
    from cdp_spark.config.expressions.functions import Function

_HEAD = """# Configuration

<!-- Written by `make docs` from the configuration's models; do not edit. -->

Every file of a project folder and every key in it: type, default, an example, meaning. A key marked ● is required.
`cdp schema --out DIR` writes the same as JSON Schemas, which give completion and hover help in an editor.
"""
_FUNCTIONS_HEAD = """# Functions of expressions

<!-- Written by `make docs` from the expressions' grammar; do not edit. -->

What an expression in a segment's `where` may call. Besides, there are columns of the profile, constants (`'text'`, `3`,
`true`, `date '2026-01-31'`), comparisons (`=`, `<>`, `<`, `<=`, `>`, `>=`, `in`, `like`, `between`, `is null`),
`and`, `or`, `not`, and durations (`now() - 30 days`).
"""
_FILES = {
    "project": "project.yaml",
    "match": "match.yaml",
    "survivorship": "survivorship.yaml",
    "insights": "insights.yaml",
    "experiments": "experiments.yaml",
    "destinations": "destinations.yaml",
    "source": "sources/NAME.yaml",
    "segment": "segments/NAME.yaml",
}


def write_configuration() -> str:
    """Write the page of all files and keys."""
    parts = [_HEAD]
    for kind, schema in json_schemas().items():
        parts.append(f"## {_FILES.get(kind, kind)}\n\n{_table(schema, schema.get('$defs', {}))}")
    sections: dict[str, str] = {}
    for schema in json_schemas().values():
        definitions = schema.get("$defs", {})
        for name, definition in definitions.items():
            if written_out(definition).get("properties"):
                sections.setdefault(name, _section(name, definition, definitions))
    return "\n".join([*parts, *(sections[name] for name in sorted(sections))]).rstrip()


def write_functions() -> str:
    """Write the page of the functions that expressions may call."""
    rows = [
        f"| `{_signature(name, it)}` | {it.returns or 'as its arguments'} | {it.summary} |"
        for name, it in FUNCTIONS.items()
    ]
    return "\n".join([_FUNCTIONS_HEAD, "| function | gives | meaning |", "|---|---|---|", *rows])


def _section(name: str, definition: Schema, definitions: Mapping[str, Schema]) -> str:
    told = str(written_out(definition).get("description", "")).replace("\n", " ")
    return f"## {name}\n\n{told}\n\n{_table(written_out(definition), definitions)}"


def _table(schema: Schema, definitions: Mapping[str, Schema]) -> str:
    rows = "\n".join(_rows(schema, definitions))
    return f"| key | type | default | example | meaning |\n|---|---|---|---|---|\n{rows}\n"


def _rows(schema: Schema, definitions: Mapping[str, Schema]) -> Iterator[str]:
    required = schema.get("required", [])
    for key, property_ in schema.get("properties", {}).items():
        mark = " ●" if key in required else ""
        words = type_words(property_, definitions)
        default = "" if words.startswith("[") else _value(property_.get("default"))  # a section's keys have their own
        cells = [words, default, _value(property_["examples"][0])]
        yield f"| `{key}`{mark} | {' | '.join(map(_cell, cells))} | {_cell(property_.get('description', ''))} |"


def _value(value: Any) -> str:  # noqa: ANN401 - YAML's own values
    if value in (None, [], {}, ""):
        return ""
    written = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000)
    return f"`{written.removesuffix(chr(10)).removesuffix('...').strip()}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _signature(name: str, function: Function) -> str:
    kinds = [" or ".join(sorted(it)) if len(it) < 4 else "value" for it in function.parameters]
    first = len(kinds) - function.optional
    shown = [*kinds[:first], *(f"[{it}]" for it in kinds[first:]), *(["…"] if function.repeats else [])]
    return f"{name}({', '.join(shown)})"
