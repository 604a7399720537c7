"""Identifiers that make records of people one person, or keep them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdp_spark.config.project import Project

STATEMENTS_TYPE = f"{c.RECORD_KEY_L} string, {c.RECORD_KEY_R} string, {c.IDENTIFIER_TYPE} string, {c.VALUE_HASH} string"


def linking_types(project: Project) -> tuple[list[str], list[str]]:
    """The types that join people's records and those of which a person has one value, as far as a source has them."""
    rules = project.identifiers
    sources = [source for source in project.sources if source.kind == "records" and source.entity_type == "person"]
    mapped = {kind for source in sources for kind in (*source.identifiers, *source.columns)}
    return [kind for kind in rules.linking if kind in mapped], [kind for kind in rules.unique if kind in mapped]


def find_statements(identifiers: pa.Table, *, linking: Sequence[str], unique: Sequence[str]) -> pa.Table:
    """Tell which records a value joins, and which values keep records apart.

    Every record with a value is linked to the first record that has it: as many links as records, never all pairs.

    Args:
        identifiers: usable ones, all holders of a value among them: record_key, type, value_hash.
        linking: types that join records.
        unique: types of which a cluster has one value.
    Returns: STATEMENTS_TYPE: a row per link, record_key_l < record_key_r, without value_hash; a row per value that is
        unique, with its record as both keys.
    """
    values = _of_types(identifiers, unique)
    names = [c.RECORD_KEY_L, c.RECORD_KEY_R, c.IDENTIFIER_TYPE, c.VALUE_HASH]
    held = pa.table([values[it] for it in (c.RECORD_KEY, c.RECORD_KEY, c.TYPE, c.VALUE_HASH)], names=names)
    return pa.concat_tables([_find_links(_of_types(identifiers, linking)), held], promote_options="permissive")


def _of_types(identifiers: pa.Table, types: Sequence[str]) -> pa.Table:
    return identifiers.filter(pc.is_in(identifiers[c.TYPE], value_set=pa.array(types, pa.string())))


def _find_links(identifiers: pa.Table) -> pa.Table:
    value = [c.TYPE, c.VALUE_HASH]
    first = identifiers.group_by(value).aggregate([(c.RECORD_KEY, "min")])
    left = f"{c.RECORD_KEY}_min"
    links = identifiers.join(first, keys=value).filter(pc.field(left) != pc.field(c.RECORD_KEY))
    pairs = links.group_by([left, c.RECORD_KEY]).aggregate([(c.TYPE, "min")])
    return pairs.rename_columns([c.RECORD_KEY_L, c.RECORD_KEY_R, c.IDENTIFIER_TYPE])
