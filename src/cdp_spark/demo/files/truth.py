"""The ground truth, written apart from the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark.demo.files.lines import Format, text_bytes, text_lines
from cdp_spark.demo.words import Columns, Indices, Mask, blank, digits, is_set, join, stack

if TYPE_CHECKING:
    from pathlib import Path

    from cdp_spark.demo.files.delivery import Batch, Source
    from cdp_spark.demo.world import World

_CSV = Format("csv", ".csv")
_PREFIXES = {"person": "P", "account": "A"}


def entity_ids(prefix: str, positions: Indices) -> pa.Array:
    """Name entities as the truth does.

    Args:
        prefix: P person, A account, H household.
        positions: in the world; -1 gives null.
    Returns: such as `P000042`, or null.
    """
    return blank(join(prefix, digits(np.maximum(positions, 0), 7)), positions < 0)


def record_truth(world: World, source: Source, batches: list[Batch]) -> Columns:
    """Say whom each delivered record is about.

    Args:
        world: households.
        source: one with an entity type.
        batches: its delivered rows.
    Returns: one row per record: source, source_record_id, entity_type, entity_id, household_id.
    """
    ids = pa.concat_arrays([batch.columns[source.key] for batch in batches])
    entity = np.concatenate([batch.entity for batch in batches])
    once = _first_of_each(ids)
    entity, kind = entity[once], source.entity_type or ""
    household = world.people["household"].to_numpy()[entity] if kind == "person" else np.full(len(entity), -1)
    return {
        "source": pa.array([source.name] * len(entity), pa.string()),
        "source_record_id": ids.take(once),
        "entity_type": pa.array([kind] * len(entity), pa.string()),
        "entity_id": entity_ids(_PREFIXES[kind], entity),
        "household_id": entity_ids("H", household),
    }


def _first_of_each(values: pa.Array) -> Indices:
    codes = pc.dictionary_encode(values).indices.to_numpy()
    return np.unique(codes, return_index=True)[1].astype(np.int64)


def visitor_truth(world: World, visitor_type: str, batches: list[Batch]) -> Columns:
    """Say who uses each browser or device of which the delivered events tell it.

    Args:
        world: households.
        visitor_type: cookie or device.
        batches: delivered events with `<visitor_type>_id`, user_id and perhaps email_sha256.
    Returns: one row per visitor: visitor_type, visitor_id, entity_id (empty when anonymous or shared), household_id,
        people (how many identified themselves on it).
    """
    columns = stack([batch.columns for batch in batches])
    owner = np.concatenate([batch.entity for batch in batches])
    told = _identified(columns)
    codes = pc.dictionary_encode(columns[f"{visitor_type}_id"])
    visitor, size = codes.indices.to_numpy().astype(np.int64), len(codes.dictionary)
    pairs = np.unique(np.stack([visitor[told], owner[told]]), axis=1)
    people = np.bincount(pairs[0], minlength=size)
    someone = np.full(size, -1, dtype=np.int64)
    someone[pairs[0]] = pairs[1]
    household = np.where(someone >= 0, world.people["household"].to_numpy()[someone], -1)
    return {
        "visitor_type": pa.array([visitor_type] * size, pa.string()),
        "visitor_id": codes.dictionary,
        "entity_id": entity_ids("P", np.where(people == 1, someone, -1)),
        "household_id": entity_ids("H", household),
        "people": pa.array(people),
    }


def _identified(columns: Columns) -> Mask:
    told = is_set(columns["user_id"])
    return told | is_set(columns["email_sha256"]) if "email_sha256" in columns else told


def write_truth(path: Path, parts: list[Columns]) -> int:
    """Write one file of the truth.

    Args:
        path: the file; its folder is made.
        parts: rows with the same columns.
    Returns: rows written.
    """
    columns = stack(parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text_bytes(text_lines(columns, _CSV), columns, _CSV))
    return len(next(iter(columns.values())))
