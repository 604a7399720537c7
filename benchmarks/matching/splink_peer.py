"""Splink on the same cleaned records: `python -m benchmarks.matching.splink_peer duckdb|spark RECORDS FOLDER`.

The settings are those that Splink's documentation recommends for people; the blocking rules are those of
`conf/match.yaml`, as far as Splink can express them.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

if TYPE_CHECKING:
    from collections.abc import Callable

THRESHOLDS = (0.95, 0.999)
"""Match probabilities: the one that Splink's tutorials use, and a strict one that suits households better."""

_BLOCKING = (
    ("email",),
    ("phone",),
    ("substr(given_name, 1, 3)", "family_name"),
    ("given_name", "birth_date"),
    ("family_name", "birth_date"),
    ("given_name", "postcode"),
    ("substr(given_name, 1, 1)", "family_name", "postcode"),
)
_TRAINING = (("given_name", "family_name"), ("birth_date",), ("postcode", "house_number"))


def settings() -> SettingsCreator:
    """The model before training."""
    exact = [cl.ExactMatch(name).configure(term_frequency_adjustments=True) for name in ("phone", "city", "postcode")]
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="source_record_id",
        blocking_rules_to_generate_predictions=[block_on(*columns) for columns in _BLOCKING],
        comparisons=[
            cl.NameComparison("given_name").configure(term_frequency_adjustments=True),
            cl.NameComparison("family_name").configure(term_frequency_adjustments=True),
            cl.DateOfBirthComparison("birth_date", input_is_string=False),
            cl.EmailComparison("email").configure(term_frequency_adjustments=True),
            cl.JaroWinklerAtThresholds("street", [0.92, 0.8]),
            *exact,
        ],
        retain_intermediate_calculation_columns=False,
        retain_matching_columns=False,
    )


def link(linker: Linker) -> dict[float, Any]:
    """Train, predict and cluster; one clustering a threshold."""
    training = linker.training
    training.estimate_probability_two_random_records_match(
        [block_on("email", "birth_date"), block_on("given_name", "family_name", "birth_date")], recall=0.7
    )
    training.estimate_u_using_random_sampling(max_pairs=5e6, seed=1)
    for columns in _TRAINING:
        training.estimate_parameters_using_expectation_maximisation(block_on(*columns))
    pairs = linker.inference.predict(threshold_match_probability=min(THRESHOLDS))
    cluster = linker.clustering.cluster_pairwise_predictions_at_threshold
    return {threshold: cluster(pairs, threshold_match_probability=threshold) for threshold in THRESHOLDS}


def with_duckdb(records: str, folder: str) -> float:
    """Run in DuckDB. Returns: seconds from the records to the clusters' files."""
    api = DuckDBAPI()
    started = time.monotonic()
    table = api.duckdb_con.read_parquet(f"{records}/*.parquet")
    found = link(Linker(api.register(table), settings(), log_level=None))
    for threshold, clusters in found.items():
        rows = clusters.as_duckdbpyrelation().select("source_record_id AS record_id, cluster_id")
        rows.write_parquet(f"{folder}/splink-duckdb-{threshold}.parquet")
    return time.monotonic() - started


def with_spark(records: str, folder: str) -> float:
    """Run on Spark. Returns: seconds from the records to the clusters' files, the session's start not counted."""
    from splink import SparkAPI  # noqa: PLC0415
    from splink.backends.spark import similarity_jar_location  # noqa: PLC0415

    from cdp_spark.session import SessionSettings, get_session  # noqa: PLC0415

    conf = {"spark.jars": similarity_jar_location(), "spark.checkpoint.dir": f"{folder}/checkpoint"}
    spark = get_session(SessionSettings(app_name="splink", conf=conf))
    started = time.monotonic()
    api = SparkAPI(spark_session=spark, break_lineage_method="parquet", num_partitions_on_repartition=8)
    found = link(Linker(api.register(spark.read.parquet(records)), settings(), log_level=None))
    for threshold, clusters in found.items():
        rows = clusters.as_spark_dataframe().selectExpr("source_record_id AS record_id", "cluster_id")
        rows.write.mode("overwrite").parquet(f"{folder}/splink-spark-{threshold}.parquet")
    return time.monotonic() - started


_BACKENDS: dict[str, Callable[[str, str], float]] = {"duckdb": with_duckdb, "spark": with_spark}

if __name__ == "__main__":
    backend, records_path, folder_path = sys.argv[1:]
    print(json.dumps({"seconds": _BACKENDS[backend](records_path, folder_path)}))
