"""Every key of the configuration says what it means, with an example that holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema

from cdp_spark.cli.display.configuration import write_configuration, write_functions
from cdp_spark.config.authoring.keys import written_out
from cdp_spark.config.authoring.schema import json_schemas
from cdp_spark.config.expressions.functions import FUNCTIONS

DOCS = Path(__file__).parents[3] / "docs"


def _properties() -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    found = []
    for kind, schema in json_schemas().items():
        definitions = schema.get("$defs", {})
        for place, model in [(kind, schema), *definitions.items()]:
            found += [
                (f"{place}.{key}", it, definitions) for key, it in written_out(model).get("properties", {}).items()
            ]
    return found


def test_every_key_has_a_description() -> None:
    assert [place for place, property_, _ in _properties() if not property_.get("description")] == []


def test_every_example_is_valid() -> None:
    wrong = []
    for place, property_, definitions in _properties():
        validator = jsonschema.Draft202012Validator({**property_, "$defs": definitions})
        wrong += [f"{place}: {error.message}" for error in validator.iter_errors(property_["examples"][0])]
    assert wrong == []


def test_the_pages_of_keys_and_functions_say_what_the_code_says() -> None:
    assert (DOCS / "configuration.md").read_text(encoding="utf-8") == f"{write_configuration()}\n"
    functions = (DOCS / "functions.md").read_text(encoding="utf-8")
    assert functions == f"{write_functions()}\n"
    assert all(f"| `{name}(" in functions for name in FUNCTIONS)
