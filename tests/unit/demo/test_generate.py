"""The demo data as a whole: the same bytes, the truth complete, the rates as set."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unicodedata import is_normalized

import pyarrow.parquet as pq
import pytest

from cdp_spark.demo import DemoSummary, generate
from cdp_spark.demo.files.delivery import Source
from cdp_spark.demo.rates import DeliveryRates, NoiseRates, SourceRates
from cdp_spark.demo.sources import SOURCES
from cdp_spark.errors import ConfigError

PEOPLE = 3000
BY_NAME = {source.name: source for source in SOURCES}


@dataclass(frozen=True)
class Demo:
    out: Path
    summary: DemoSummary


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    out = tmp_path_factory.mktemp("demo")
    return Demo(out, generate(out, people=PEOPLE, seed=7, nights=2))


def file_bytes(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def read_lines(path: Path, source: Source) -> str:
    raw = path.read_bytes()
    return (gzip.decompress(raw) if source.form.gzipped else raw).decode(source.form.encoding)


def read_good_rows(out: Path, source: Source) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for path in sorted((out / source.name).iterdir()):
        if "_broken" not in path.name:
            rows += read_file(path, source)
    return rows


def read_file(path: Path, source: Source) -> list[dict[str, Any]]:
    if source.form.kind == "parquet":
        return list(pq.read_table(path).to_pylist())
    if source.form.kind == "json":
        return [row for row in map(parsed, read_lines(path, source).splitlines()) if is_good(row, source)]
    lines = read_lines(path, source).splitlines(keepends=True)
    reader = csv.reader(lines, delimiter=source.form.delimiter, strict=True)
    header = next(reader)
    cells = [dict(zip(header, row, strict=True)) for row in reader if len(row) == len(header)]
    return [row for row in cells if is_good(row, source)]


def parsed(line: str) -> dict[str, Any]:
    try:
        row: dict[str, Any] = json.loads(line)
    except ValueError:
        return {}
    return row


def is_good(row: dict[str, Any], source: Source) -> bool:
    return bool(row.get(source.key)) and "99:61" not in str(row[source.time])


def read_truth(out: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((out / "truth" / f"{name}.csv").read_text("utf-8").splitlines()))


def test_same_seed_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        generate(tmp_path / name, people=300, seed=seed)
    first, again, other = (file_bytes(tmp_path / name) for name in "abc")
    assert first == again
    assert all(first[path] != other[path] for path in first.keys() & other.keys())


def test_a_second_night_leaves_the_first_nights_files_alone(tmp_path: Path) -> None:
    generate(tmp_path / "one", people=300, seed=1)
    generate(tmp_path / "two", people=300, seed=1, nights=2)
    one, two = file_bytes(tmp_path / "one"), file_bytes(tmp_path / "two")
    assert {path: two[path] for path in one if not path.startswith("truth")} == {
        path: content for path, content in one.items() if not path.startswith("truth")
    }
    assert "crm/2026-02-01.csv" in two.keys() - one.keys()


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_every_good_row_can_be_read_and_is_counted(demo: Demo, source: Source) -> None:
    assert len(read_good_rows(demo.out, source)) == demo.summary.rows[source.name]


def test_truth_names_every_record_once_and_nothing_else(demo: Demo) -> None:
    truth = read_truth(demo.out, "records")
    keys = [(row["source"], row["source_record_id"]) for row in truth]
    delivered = {
        (source.name, row[source.key])
        for source in SOURCES
        if source.entity_type
        for row in read_good_rows(demo.out, source)
    }
    assert len(keys) == len(set(keys)) == demo.summary.records
    assert set(keys) == delivered
    assert all(row["household_id"] for row in truth if row["entity_type"] == "person")


def test_truth_does_not_leak_into_the_sources(demo: Demo) -> None:
    row = read_truth(demo.out, "records")[0]
    crm = read_lines(demo.out / "crm" / "2026-01-31.csv", BY_NAME["crm"])
    assert row["entity_id"] not in crm
    assert row["household_id"] not in crm


def test_records_and_events_a_person(demo: Demo) -> None:
    people = {row["entity_id"] for row in read_truth(demo.out, "records") if row["entity_type"] == "person"}
    events = sum(demo.summary.rows[source.name] for source in SOURCES if not source.entity_type)
    assert len(people) > 0.98 * PEOPLE
    assert 2.5 <= demo.summary.records / PEOPLE <= 3.5
    assert 6 <= events / PEOPLE <= 10


def test_file_formats_are_those_of_their_systems(demo: Demo) -> None:
    assert (demo.out / "crm" / "2026-01-31.csv").read_bytes().startswith(b"\xef\xbb\xbfcustomer_no,")
    assert (demo.out / "web_events" / "2026-01-31.jsonl.gz").read_bytes()[:2] == b"\x1f\x8b"
    tills = (demo.out / "till_customers" / "2026-01-31.csv").read_bytes()
    assert "Ü".encode("latin-1") in tills
    with pytest.raises(UnicodeDecodeError):
        tills.decode("utf-8")
    assert any("\n" in row["body"] for row in read_good_rows(demo.out, BY_NAME["support_tickets"]))


def test_malformed_lines_are_present_at_their_rate(demo: Demo) -> None:
    for source in SOURCES:
        expected = demo.summary.rows[source.name] * DeliveryRates().malformed
        if source.form.kind != "parquet" and demo.summary.rows[source.name] > 1000:
            assert expected / 2 <= demo.summary.malformed[source.name] <= expected + 12, source.name
    crm = (demo.out / "crm" / "2026-01-31.csv").read_text("utf-8-sig").splitlines()
    assert {line.count(",") for line in crm if '"' not in line} == {13, 15, 17}
    assert sum("99:61" in line for line in crm) == sum(line.startswith(",") for line in crm) == 1


def test_an_unclosed_quote_has_its_own_file(demo: Demo) -> None:
    (broken,) = demo.out.rglob("*_broken*")
    assert broken.parent.name == "crm"
    assert broken.read_text("utf-8-sig").count('"') == 1


def test_deliveries_repeat_delay_and_correct(demo: Demo) -> None:
    source = BY_NAME["marketing"]
    first = read_file(demo.out / "marketing" / "2026-01-31.jsonl", source)
    second = read_file(demo.out / "marketing" / "2026-01-31_2.jsonl", source)
    before = {row["contact_id"]: row for row in first}
    repeated = [row for row in second if before[row["contact_id"]] == row]
    late = [row for row in second if row["updated_at"] < before[row["contact_id"]]["updated_at"]]
    corrected = [row for row in second if row["updated_at"] > before[row["contact_id"]]["updated_at"]]
    assert min(len(repeated), len(late), len(corrected)) > 0
    assert len(repeated) + len(late) + len(corrected) == len(second)


def test_the_second_night_has_changed_and_new_records(demo: Demo) -> None:
    source = BY_NAME["crm"]
    known = {row["customer_no"] for row in read_file(demo.out / "crm" / "2026-01-31.csv", source)}
    tonight = {row["customer_no"] for row in read_file(demo.out / "crm" / "2026-02-01.csv", source)}
    assert tonight & known
    assert tonight - known
    assert len(tonight) == pytest.approx(0.02 * len(known), rel=0.5)


def test_values_are_spoilt_at_about_their_rates(demo: Demo) -> None:
    rows, rates = read_good_rows(demo.out, BY_NAME["crm"]), NoiseRates()
    births = Counter(row["birth_date"] for row in rows)
    emails = Counter(row["email"] for row in rows)
    decomposed = [row for row in rows if not is_normalized("NFC", row["first_name"] + row["last_name"])]
    assert births[""] / len(rows) == pytest.approx(rates.missing_birth_date, abs=0.03)
    assert births["01.01.1900"] / len(rows) == pytest.approx(rates.placeholder, abs=0.01)
    assert emails["none@none.com"] > 0
    assert "0000000000" in {row["phone"] for row in rows}
    assert decomposed
    assert any(count > 1 for phone, count in Counter(row["phone"] for row in rows).items() if phone.startswith("+"))


def test_tills_have_a_default_email(demo: Demo) -> None:
    rows = read_good_rows(demo.out, BY_NAME["till_customers"])
    share = sum(row["EMAIL"] == "kasse@filiale.example" for row in rows) / len(rows)
    assert share == pytest.approx(NoiseRates().till_default_email, abs=0.02)


def test_visitors_are_anonymous_known_or_shared(demo: Demo) -> None:
    visitors = read_truth(demo.out, "visitors")
    cookies = [row for row in visitors if row["visitor_type"] == "cookie"]
    anonymous = sum(row["people"] == "0" for row in cookies) / len(cookies)
    shared = [row for row in visitors if int(row["people"]) > 1]
    assert len({row["visitor_id"] for row in visitors}) == len(visitors) == demo.summary.visitors
    assert anonymous == pytest.approx(SourceRates().anonymous_cookies, abs=0.03)
    assert shared
    assert all(row["visitor_type"] == "device" and row["household_id"] and not row["entity_id"] for row in shared)


def test_links_between_sources_are_the_natural_ones(demo: Demo) -> None:
    users = {row["user_id"] for row in read_good_rows(demo.out, BY_NAME["shop_customers"])}
    logged_in = {row["user_id"] for row in read_good_rows(demo.out, BY_NAME["web_events"]) if "user_id" in row}
    accounts = {row["account_no"] for row in read_good_rows(demo.out, BY_NAME["accounts"])}
    named = {row["account_no"] for row in read_good_rows(demo.out, BY_NAME["crm"]) if row["account_no"]}
    assert len(logged_in & users) > 0.9 * len(logged_in)
    assert len(named & accounts) > 0.85 * len(named)


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        ({"people": 5, "seed": 1}, "people"),
        ({"people": 500, "seed": -1}, "seed"),
        ({"people": 500, "seed": 1, "nights": 0}, "nights"),
        ({"people": 500, "seed": 1, "nights": 8}, "nights"),
    ],
)
def test_arguments_out_of_range_are_refused(tmp_path: Path, arguments: dict[str, int], option: str) -> None:
    with pytest.raises(ConfigError, match=f"demo-data: {option}: got"):
        generate(tmp_path, **arguments)
    assert not list(tmp_path.iterdir())
