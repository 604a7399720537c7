"""`cdp_spark.resolve`: frames in, frames of the same kind out."""

from itertools import combinations

import pandas as pd
import pyarrow as pa
import pytest

import cdp_spark
from cdp_spark.errors import ConfigError, DataError

PEOPLE = [
    {"id": number, "first_name": f"Ann{number}", "last_name": f"Lee{number}", "email": f"ann{number}@x.org"}
    for number in range(20)
]
ROWS = [*PEOPLE, *({**person, "id": 100 + number} for number, person in enumerate(PEOPLE[:10]))]


def test_an_arrow_table_gives_arrow_tables() -> None:
    found = cdp_spark.resolve(pa.Table.from_pylist(ROWS), id="id")
    assert found.clusters.column_names == ["source", "record_id", "cluster_id"]
    members: dict[str, list[str]] = {}
    for row in found.clusters.to_pylist():
        members.setdefault(row["cluster_id"], []).append(row["record_id"])
    pairs = {pair for records in members.values() for pair in combinations(sorted(records), 2)}
    assert pairs == {tuple(sorted((str(number), str(100 + number)))) for number in range(10)}


def test_pairs_have_their_levels_by_name() -> None:
    found = cdp_spark.resolve(pa.Table.from_pylist(ROWS), id="id")
    pair = max(found.pairs.to_pylist(), key=lambda it: it["weight_log2"])
    assert set(pair) == {
        *("source_l", "record_id_l", "source_r", "record_id_r", "weight_log2"),
        *(item.name for item in found.model.match.comparisons),
    }
    assert pair["email"].startswith("equal")
    assert found.columns["email"] == "email"


def test_a_pandas_frame_gives_pandas_frames() -> None:
    found = cdp_spark.resolve(pd.DataFrame(ROWS), id="id")
    assert isinstance(found.clusters, pd.DataFrame)
    assert found.clusters["cluster_id"].nunique() == 20
    assert isinstance(found.pairs, pd.DataFrame)


def test_whoever_offers_arrow_streams_is_taken() -> None:
    class Frame:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return pa.Table.from_pylist(ROWS).__arrow_c_stream__(requested_schema)

    assert len(cdp_spark.resolve(Frame(), id="id").clusters) == len(ROWS)


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(ConfigError, match="pandas, Arrow, Polars or Spark"):
        cdp_spark.resolve(42, id="id")


def test_ids_that_stand_twice_are_refused() -> None:
    with pytest.raises(DataError, match="1 ids that stand on more than one row"):
        cdp_spark.resolve(pa.Table.from_pylist([ROWS[0], {**ROWS[1], "id": ROWS[0]["id"]}]), id="id")


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ConfigError, match="no column key"):
        cdp_spark.resolve(pa.Table.from_pylist(ROWS), id="key")
