"""Every setting is read by something: one that does nothing must not be there."""

from __future__ import annotations

import ast
import typing
from collections import defaultdict
from pathlib import Path

import cdp_spark
from cdp_spark.config.base import Strict
from cdp_spark.config.identifiers import IdentifiersConfig
from cdp_spark.config.project import Project

HOLDERS = {
    "ProjectSettings": {"settings"},
    "TimeField": {"time", "field", "observed_at", "occurred_at", "given_at"},
    "Gates": {"gates"},
    "ConsentPolicy": {"policy", "consent"},
    "Warehouse": {"warehouse"},
}
"""What variables and attributes that hold a model are called, where other models have fields of the same names."""
DOCUMENTS = {("SegmentConfig", "description")}
"""Fields that are for people who read the file."""


def _models(model: type[Strict], found: dict[str, type[Strict]]) -> dict[str, type[Strict]]:
    if model.__name__ not in found:
        found[model.__name__] = model
        for annotation in [field.annotation for field in model.model_fields.values()]:
            for part in _parts(annotation):
                _models(part, found)
    return found


def _parts(annotation: object) -> list[type[Strict]]:
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        return [annotation]
    return [part for argument in typing.get_args(annotation) for part in _parts(argument)]


class _Reads(ast.NodeVisitor):
    """Attributes that are read outside of the checks of the models themselves, and what they are read from."""

    def __init__(self) -> None:
        self.holders: defaultdict[str, set[str]] = defaultdict(set)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if not any("_validator" in ast.unparse(it) for it in node.decorator_list):
            self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        holder = node.value
        name = holder.attr if isinstance(holder, ast.Attribute) else holder.id if isinstance(holder, ast.Name) else ""
        self.holders[node.attr].add(name)
        self.generic_visit(node)


def test_every_setting_is_read() -> None:
    reads = _Reads()
    for file in sorted(Path(cdp_spark.__file__).parent.rglob("*.py")):
        reads.visit(ast.parse(file.read_text(encoding="utf-8")))
    unread = {
        (name, field)
        for name, model in _models(Project, {}).items()
        for field in model.model_fields
        if not (reads.holders[field] & HOLDERS[name] if name in HOLDERS else reads.holders[field])
        and model is not IdentifiersConfig  # read by the names of its types
    }
    assert unread <= DOCUMENTS
