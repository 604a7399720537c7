"""A Connect server, Databricks serverless among them, has no JVM beside this process and may keep no frame."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import cdp_spark

_PACKAGE = Path(cdp_spark.__file__).parent
_ATTRIBUTES = frozenset(
    {
        *("rdd", "sparkContext", "_sc", "_jvm", "_jsc", "_jdf", "_jdt", "_jsparkSession", "_gateway"),
        *("persist", "unpersist", "cache", "localCheckpoint"),
    }
)
_MODULES = ("delta", "py4j", "pyspark.rdd", "pyspark.context")
_ALLOWED = ("session/", "tables/checkpoint.py")


def find_forbidden(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and node.attr in _ATTRIBUTES:
            yield node.attr
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [it.name for it in node.names]
            yield from (it for it in names if any(it == known or it.startswith(f"{known}.") for known in _MODULES))


def test_only_the_session_and_checkpoints_need_a_jvm_or_keep_frames() -> None:
    found = {
        name: sorted(set(forbidden))
        for path in sorted(_PACKAGE.rglob("*.py"))
        if not (name := path.relative_to(_PACKAGE).as_posix()).startswith(_ALLOWED)
        and (forbidden := list(find_forbidden(path.read_text("utf-8"))))
    }
    assert found == {}


def test_what_is_forbidden_is_found() -> None:
    code = "from delta.tables import DeltaTable\nimport py4j.protocol\nrows.cache()\nspark.sparkContext._jvm.x\n"
    assert sorted(find_forbidden(code)) == ["_jvm", "cache", "delta.tables", "py4j.protocol", "sparkContext"]
    assert list(find_forbidden("from functools import cache\nfrom delta_sharing import x\n")) == []
