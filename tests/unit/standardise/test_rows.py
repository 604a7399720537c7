from __future__ import annotations

from datetime import date

import pyarrow as pa

from cdp_spark.config.mapping import ColumnMapping
from cdp_spark.standardise.mapping import RawMapping
from cdp_spark.standardise.rows import clean_batches, map_cells

TEXT_MAP = pa.map_(pa.string(), pa.string())
MAPS = [[("a", "1"), ("b", "2")], [], [("b", None)], [("c", "3"), ("a", "4")]]


def test_a_column_is_taken_out_of_the_maps() -> None:
    for maps in (pa.array(MAPS, TEXT_MAP), pa.array([[("a", "x")], *MAPS, [("b", "y")]], TEXT_MAP).slice(1, 4)):
        cell = map_cells(maps)
        columns = [cell(name) for name in "abc"]
        assert [column and column.to_pylist() for column in columns] == [
            ["1", None, None, "4"],
            ["2", None, None, None],
            [None, None, None, "3"],
        ]
        assert cell("d") is None


def test_no_map_has_no_column() -> None:
    assert map_cells(pa.array([], TEXT_MAP))("a") is None


def test_every_source_is_cleaned_by_its_own_mapping() -> None:
    def of(meaning: str, column: str) -> RawMapping:
        return RawMapping({meaning: ColumnMapping.model_validate({"from": (column,)})})  # type: ignore[dict-item]

    mappings = {"crm": of("given_name", "name"), "shop": of("city", "name")}
    rows = [("1", "crm"), ("2", "shop"), ("3", "gone"), ("4", "crm")]
    batch = pa.RecordBatch.from_arrays(
        [
            *(pa.array(values) for values in zip(*rows, strict=True)),
            pa.array([[("name", f"BO {key}")] for key, _ in rows], TEXT_MAP),
        ],
        names=["record_key", "source", "row"],
    )
    cleaned = pa.Table.from_batches(clean_batches([batch], mappings, as_of=date(2026, 1, 31)))
    assert cleaned.select(["record_key", "source", "given_name", "city"]).to_pylist() == [
        {"record_key": "1", "source": "crm", "given_name": "Bo 1", "city": None},
        {"record_key": "4", "source": "crm", "given_name": "Bo 4", "city": None},
        {"record_key": "2", "source": "shop", "given_name": None, "city": "Bo 2"},
    ]
