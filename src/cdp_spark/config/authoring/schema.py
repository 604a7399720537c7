"""JSON Schemas of the configuration files, for completion and checks in editors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cdp_spark.config.authoring.keys import annotate
from cdp_spark.config.load.project import FILES, FOLDERS

if TYPE_CHECKING:
    from cdp_spark.config.base import Strict

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schemas() -> dict[str, dict[str, Any]]:
    """Give the JSON Schema of each kind of file, such as project, match or source."""
    models = {Path(name).stem: model for name, model in FILES.items()}
    models |= {folder.removesuffix("s"): model for folder, model in FOLDERS.items()}
    return {kind: _schema(kind, model) for kind, model in models.items()}


def write_schemas(folder: Path) -> list[Path]:
    """Write each schema to `folder/KIND.schema.json`.

    Returns: the files written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for kind, schema in json_schemas().items():
        path = folder / f"{kind}.schema.json"
        path.write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")
        written.append(path)
    return written


def _schema(kind: str, model: type[Strict]) -> dict[str, Any]:
    return {"$schema": DIALECT, **annotate(model.model_json_schema(), kind, model), "title": f"cdp-spark {kind}"}
