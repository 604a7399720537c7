"""Fetch what a night's ids depend on, work them out, and give them to Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema

from cdp_spark import columns as c
from cdp_spark.identity.on_driver.assign import assign_on_driver
from cdp_spark.identity.on_driver.changes import find_changes
from cdp_spark.identity.on_driver.registry import update_registry
from cdp_spark.identity.on_driver.rows import Evidence, FormerHolder, Issued, Member, read_rows, tuples_of
from cdp_spark.identity.outcome import Outcome
from cdp_spark.identity.terms import STRONG_TYPES
from cdp_spark.tables.actions.together import fetch_together
from cdp_spark.tables.catalog import ID_CHANGES, ID_REGISTRY, UNIFIED_IDS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from pyspark.sql import DataFrame, SparkSession

    from cdp_spark.identity.increment import Night
    from cdp_spark.identity.issuer import Issuer
    from cdp_spark.identity.on_driver.assign import Identifiers
    from cdp_spark.identity.outcome import EvidenceFrames
    from cdp_spark.tables.actions.held import Held
    from cdp_spark.tables.spec import TableSpec

MAX_RECORDS = 200_000
"""Records of tonight and yesterday together: a second of work as a rule, ten where each of 100,000 loses its id."""


def work_out_on_driver(night: Night, members: Held, evidence: EvidenceFrames, issuer: Issuer) -> Outcome:
    """What `work_out_in_spark` gives: four fetches and three more where ids are contested, instead of a dozen joins."""
    spark = night.clusters.sparkSession
    rows, before, former = _fetch(spark, night, members)
    ids = {*before.values(), *(it.unified_id for it in former)}
    listed = _keys_frame(spark, c.UNIFIED_ID, ids)
    of_last = night.yesterday.id_registry
    known = read_rows(Issued, of_last.join(listed, on=c.UNIFIED_ID, how="left_semi").toArrow()) if ids else []
    registry = {it.unified_id: it for it in known}
    assigned = assign_on_driver(rows, registry, former, _identifiers_reader(spark, night.identifiers), issuer)
    changes = find_changes(before, assigned, registry, _evidence_reader(spark, evidence), release=issuer.ordinal)
    issued = update_registry(registry, assigned, changes, release=issuer.ordinal)
    assigned_rows = [(record, entity_type, held) for (record, entity_type), held in sorted(assigned.ids.items())]
    others = of_last.join(listed, on=c.UNIFIED_ID, how="left_anti")
    return Outcome(
        unified_ids=_frame(spark, UNIFIED_IDS, assigned_rows),
        changes=_frame(spark, ID_CHANGES, changes),
        registry=_frame(spark, ID_REGISTRY, issued).unionByName(others.select(*ID_REGISTRY.schema.names)),
    )


def _fetch(
    spark: SparkSession, night: Night, members: Held
) -> tuple[list[Member], dict[tuple[str, str], str], list[FormerHolder]]:
    """The members, yesterday's ids by record, and who of the members held an id that is gone."""
    wanted = {
        "members": members.rows.select(*Member._fields),
        "before": night.yesterday.unified_ids.select(*UNIFIED_IDS.schema.names),
    }
    if night.former_holders.count:
        here = members.joinable.select(c.RECORD_KEY)
        wanted["former"] = night.former_holders.rows.join(here, on=c.RECORD_KEY, how="left_semi")
    found = fetch_together(spark, wanted)
    before = {(record, entity_type): held for record, entity_type, held in tuples_of(found["before"])}
    former = read_rows(FormerHolder, found["former"]) if "former" in found else []
    return read_rows(Member, found["members"]), before, former


def _identifiers_reader(spark: SparkSession, identifiers: DataFrame) -> Callable[[Collection[str]], Identifiers]:
    strong = identifiers.where(F.col(c.USABLE) & F.col(c.TYPE).isin(*STRONG_TYPES))
    columns = (c.RECORD_KEY, c.TYPE, c.VALUE_HASH)

    def read(records: Collection[str]) -> Identifiers:
        wanted = _keys_frame(spark, c.RECORD_KEY, records)
        return tuples_of(strong.select(*columns).join(wanted, on=c.RECORD_KEY, how="left_semi").toArrow())

    return read


def _evidence_reader(spark: SparkSession, evidence: EvidenceFrames) -> Callable[[Collection[str]], Evidence]:
    def read(records: Collection[str]) -> Evidence:
        wanted = _keys_frame(spark, c.RECORD_KEY, records)
        ends = [
            evidence.pairs.join(wanted.withColumnRenamed(c.RECORD_KEY, side), on=side, how="left_semi").select(
                c.RECORD_KEY_L, c.RECORD_KEY_R, c.CAUSE
            )
            for side in (c.RECORD_KEY_L, c.RECORD_KEY_R)
        ]
        changed = evidence.changed.select(c.RECORD_KEY).join(wanted, on=c.RECORD_KEY, how="left_semi")
        found = fetch_together(spark, {"changed": changed, "pairs": ends[0].unionByName(ends[1])})
        return Evidence(found["changed"][c.RECORD_KEY].to_pylist(), tuples_of(found["pairs"]))

    return read


def _keys_frame(spark: SparkSession, name: str, keys: Collection[str]) -> DataFrame:
    """One row a key, for the smaller side of a join."""
    return F.broadcast(spark.createDataFrame(pa.table({name: pa.array(sorted(keys), pa.string())})))


def _frame(spark: SparkSession, spec: TableSpec, rows: Sequence[Iterable[object]]) -> DataFrame:
    schema = to_arrow_schema(spec.schema)
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(column, kind.type) for column, kind in zip(columns, schema, strict=True)]
    return spark.createDataFrame(pa.Table.from_arrays(arrays, schema=schema), spec.schema).coalesce(1)
