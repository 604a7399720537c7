"""A proposal as a source's YAML: commented, ready to edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cdp_spark.standalone.describing.sample import Proposal

_ORDER = (
    *("name", "kind", "entity_type", "format", "path", "options", "key", "observed_at", "columns", "identifiers"),
    *("attributes", "events", "consents", "default_region"),
)
_BLOCKS = frozenset({"columns", "identifiers", "attributes", "events", "consents"})
_COMMENTS = {
    "kind": "records, events or consents",
    "path": "file, folder or glob; relative to the project folder",
    "columns": "meaning: your column; several: [first, second]",
}


def render(proposal: Proposal) -> str:
    """Write a proposal as YAML."""
    comments = _COMMENTS | proposal.comments
    written = "; ".join(proposal.notes)
    lines = [f"# {written[:1].upper()}{written[1:]}."] if written else []
    lines += [f"# `cdp source preview {proposal.name}` shows how the rows are read with these settings."]
    lines += [f"# CHECK {said}" for said in proposal.unsure]
    for name in sorted(proposal.settings, key=_ORDER.index):
        lines += _entry(name, proposal.settings[name], comments)
    if proposal.unused:
        lines += ["", "# Columns that are not used:"]
        lines += [f"#   {column}: {why}" for column, why in proposal.unused]
    return "\n".join(lines) + "\n"


def _entry(name: str, value: Any, comments: Mapping[str, str]) -> Iterator[str]:  # noqa: ANN401 - YAML's own values
    beside = f" # {comments[name]}" if name in comments else ""
    if name not in _BLOCKS:
        yield f"{name}: {_flow(value)}{beside}"
        return
    yield f"{name}:{beside}"
    for key, item in value.items():
        told = comments.get(f"{name}.{key}")
        yield f"  {_flow(key)}: {_flow(item)}" + (f" # {told}" if told else "")


def _flow(value: Any) -> str:  # noqa: ANN401 - YAML's own values
    written = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000)
    written = written.replace("{delimiter: ;", '{delimiter: ";"')
    return written.removesuffix("\n").removesuffix("\n...")
