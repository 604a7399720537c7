"""Splink on a data set's records: `python -m benchmarks.matching.splink_peer duckdb|spark MODEL RECORDS FOLDER`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splink import DuckDBAPI, Linker, block_on

from benchmarks.matching.splink_models import MODELS, Model, as_rule
from benchmarks.tools import THRESHOLDS, clusters_file

if TYPE_CHECKING:
    from collections.abc import Callable


def link(linker: Linker, model: Model) -> dict[float, Any]:
    """Train, predict and cluster; one clustering a threshold."""
    training = linker.training
    training.estimate_probability_two_random_records_match([as_rule(it) for it in model.certain], recall=model.recall)
    training.estimate_u_using_random_sampling(max_pairs=model.sampled_pairs, seed=model.seed)
    for columns in model.training:
        training.estimate_parameters_using_expectation_maximisation(
            block_on(*columns), estimate_without_term_frequencies=not model.frequencies_in_training
        )
    pairs = linker.inference.predict(threshold_match_probability=min(THRESHOLDS))
    cluster = linker.clustering.cluster_pairwise_predictions_at_threshold
    return {threshold: cluster(pairs, threshold_match_probability=threshold) for threshold in THRESHOLDS}


def with_duckdb(model: Model, records: Path, folder: Path) -> float:
    """Run in DuckDB. Returns: seconds from the records to the clusters' files."""
    api = DuckDBAPI()
    started = time.monotonic()
    con, path = api.duckdb_con, str(records)
    table = con.read_csv(path, all_varchar=True) if records.suffix == ".csv" else con.read_parquet(path)
    table = table.project(", ".join(("*", *model.added)))
    found = link(Linker(api.register(table), model.settings("duckdb"), log_level=None), model)
    for threshold, clusters in found.items():
        rows = clusters.as_duckdbpyrelation().select(f"{model.unique_id} AS record_id, cluster_id")
        rows.write_parquet(str(clusters_file(folder, "splink-duckdb", threshold)))
    return time.monotonic() - started


def with_spark(model: Model, records: Path, folder: Path) -> float:
    """Run on Spark. Returns: seconds from the records to the clusters' files, the session's start not counted."""
    from splink import SparkAPI  # noqa: PLC0415
    from splink.backends.spark import similarity_jar_location  # noqa: PLC0415

    from cdp_spark.session import SessionSettings, get_session  # noqa: PLC0415

    conf = {"spark.jars": similarity_jar_location(), "spark.checkpoint.dir": f"{folder}/checkpoint"}
    spark = get_session(SessionSettings(app_name="splink", conf=conf))
    started = time.monotonic()
    api = SparkAPI(spark_session=spark, break_lineage_method="parquet", num_partitions_on_repartition=8)
    path = str(records)
    table = spark.read.csv(path, header=True, escape='"') if records.suffix == ".csv" else spark.read.parquet(path)
    table = table.selectExpr("*", *model.added)
    found = link(Linker(api.register(table), model.settings("spark"), log_level=None), model)
    for threshold, clusters in found.items():
        rows = clusters.as_spark_dataframe().selectExpr(f"{model.unique_id} AS record_id", "cluster_id")
        rows.write.mode("overwrite").parquet(str(clusters_file(folder, "splink-spark", threshold)))
    return time.monotonic() - started


_BACKENDS: dict[str, Callable[[Model, Path, Path], float]] = {"duckdb": with_duckdb, "spark": with_spark}

if __name__ == "__main__":
    backend, model_name, records_path, folder_path = sys.argv[1:]
    seconds = _BACKENDS[backend](MODELS[model_name], Path(records_path), Path(folder_path))
    print(json.dumps({"seconds": seconds}))
