"""Identifiers that make records of people one person, or keep them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp_spark import columns as c

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from cdp_spark.config.project import Project


def linking_types(project: Project) -> tuple[list[str], list[str]]:
    """The types that join people's records and those of which a person has one value, as far as a source has them."""
    rules = project.match.identifiers
    sources = [source for source in project.sources if source.kind == "records" and source.entity_type == "person"]
    mapped = {kind for source in sources for kind in (*source.identifiers, *source.columns)}
    return [kind for kind in rules.linking if kind in mapped], [kind for kind in rules.unique if kind in mapped]


def build_identifier_links(identifiers: DataFrame, types: Sequence[str]) -> DataFrame:
    """Link every record with a value to the first record that has it: as many links as records, never all pairs.

    Args:
        identifiers: of the records to link.
        types: that identify a person; a value that is not usable links nothing.
    Returns: one row per pair: record_key_l < record_key_r, identifier_type.
    """
    usable = identifiers.where(F.col(c.USABLE) & F.col(c.TYPE).isin(*types))
    first = F.min(c.RECORD_KEY).over(Window.partitionBy(c.TYPE, c.VALUE_HASH))
    return (
        usable.select(first.alias(c.RECORD_KEY_L), F.col(c.RECORD_KEY).alias(c.RECORD_KEY_R), c.TYPE)
        .where(F.col(c.RECORD_KEY_L) != F.col(c.RECORD_KEY_R))
        .groupBy(c.RECORD_KEY_L, c.RECORD_KEY_R)
        .agg(F.min(c.TYPE).alias(c.IDENTIFIER_TYPE))
    )


def with_unique_values(members: DataFrame, identifiers: DataFrame, types: Sequence[str]) -> DataFrame:
    """Add a column a type with the record's value of it, for `build_clusters` to keep different values apart."""
    usable = identifiers.where(F.col(c.USABLE) & F.col(c.TYPE).isin(*types))
    values = [F.max(F.when(F.col(c.TYPE) == kind, F.col(c.VALUE_HASH))).alias(kind) for kind in types]
    return members.join(usable.groupBy(c.RECORD_KEY).agg(*values), on=c.RECORD_KEY, how="left")
