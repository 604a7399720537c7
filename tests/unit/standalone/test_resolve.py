"""`cdp resolve` on files that nobody has described."""

import csv
import json
from itertools import combinations
from pathlib import Path

import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from cdp_spark.cli.main import app
from cdp_spark.config.load import load_match
from cdp_spark.errors import DataError

FIRST = ["James", "Mary", "Robert", "Patricia", "Wei", "Fatima", "Olga", "Juan", "Priya", "Kofi", "Ingrid", "Mateo"]
LAST = ["Walker", "Okafor", "Nguyen", "Schmidt", "Rossi", "Haddad", "Kowalski", "Svensson", "Tanaka", "Moreau"]


def _people() -> list[dict[str, str]]:
    """120 people, every third with a second record that has a typing error or lacks a value."""
    rows = []
    for number in range(120):
        first, last = FIRST[number % 12], LAST[(number // 12) % 10]
        person = {
            "id": f"p{number}",
            "Vorname": first,
            "Nachname": last,
            "Geburtsdatum": f"{1 + number % 28:02}.{1 + number % 12:02}.{1950 + number % 50}",
            "E-Mail": f"{first}.{last}{number}@mail.example".lower(),
            "PLZ": f"{10000 + 37 * number}",
        }
        rows.append(person)
        if number % 3 == 0:
            typo = last[0] + last[2] + last[1] + last[3:]
            rows.append(
                person | {"id": f"q{number}", "Nachname": typo, "E-Mail": "" if number % 2 else person["E-Mail"]}
            )
    return rows


def _write(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def _run(*arguments: object) -> dict[str, object]:
    done = CliRunner().invoke(app, ["resolve", *map(str, arguments), "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    result: dict[str, object] = json.loads(done.stdout)
    return result


def _pairs(path: Path) -> set[tuple[str, str]]:
    clusters: dict[str, list[str]] = {}
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            clusters.setdefault(row["cluster_id"], []).append(row["record_id"])
    return {pair for members in clusters.values() for pair in combinations(sorted(members), 2)}


EXPECTED = {(f"p{number}", f"q{number}") for number in range(0, 120, 3)}


def test_resolve_recognises_german_columns_and_finds_the_duplicates(tmp_path: Path) -> None:
    source, out, conf = _write(tmp_path / "kunden.csv", _people()), tmp_path / "out.csv", tmp_path / "match.yaml"
    facts = _run(source, "--id", "id", "--out", out, "--save-conf", conf)
    columns = facts["columns"]["kunden"]  # type: ignore[index]
    assert {name: told["meaning"] for name, told in columns.items()} == {
        "Vorname": "given_name",
        "Nachname": "family_name",
        "Geburtsdatum": "birth_date",
        "E-Mail": "email",
        "PLZ": "postcode",
    }
    assert _pairs(out) == EXPECTED
    assert load_match(conf).comparisons


def test_the_saved_configuration_gives_the_same_clusters(tmp_path: Path) -> None:
    source, conf = _write(tmp_path / "kunden.csv", _people()), tmp_path / "match.yaml"
    _run(source, "--id", "id", "--out", tmp_path / "one.csv", "--save-conf", conf)
    _run(source, "--id", "id", "--out", tmp_path / "two.csv", "--conf", conf)
    assert (tmp_path / "two.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()


def test_a_configuration_for_few_records_is_refused_for_many(tmp_path: Path) -> None:
    few, conf = _write(tmp_path / "few.csv", _people()), tmp_path / "match.yaml"
    assert _run(few, "--id", "id", "--out", tmp_path / "one.csv", "--save-conf", conf)["clusters"] == 120
    more = [{**row, "id": f"{row['id']}-{copy}"} for copy in range(4) for row in _people()]
    many = _write(tmp_path / "many.csv", more)
    options = ["--id", "id", "--out", str(tmp_path / "two.csv"), "--conf", str(conf)]
    done = CliRunner().invoke(app, ["resolve", str(many), *options])
    assert isinstance(done.exception, DataError)
    assert "at most 500 records" in str(done.exception)


def test_ids_that_are_numbers_go_by_their_size(tmp_path: Path) -> None:
    rows = [{**row, "id": str(number)} for number, row in enumerate(_people())]
    _run(_write(tmp_path / "people.csv", rows), "--id", "id", "--out", tmp_path / "out.csv")
    written = list(csv.DictReader((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["record_id"] for row in written] == [row["id"] for row in rows]


def test_two_sources_without_duplicates_inside(tmp_path: Path) -> None:
    rows = _people()
    left = _write(tmp_path / "left.csv", [row for row in rows if row["id"].startswith("p")])
    right = _write(tmp_path / "right.csv", [row for row in rows if row["id"].startswith("q")])
    out = tmp_path / "out.parquet"
    facts = _run(left, right, "--id", "id", "--unique-within", "source", "--out", out)
    table = pyarrow.parquet.read_table(out)
    assert table.column_names == ["source", "record_id", "cluster_id"]
    assert facts["records"] == 160
    assert facts["largest_cluster"] == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an empty file"),
        ("id,name\n", "no row below it"),
        ("id,name\n1,ann\n1,bob\n", "1 ids that stand on more than one row"),
        ("key,name\n1,ann\n", "no column id"),
    ],
    ids=["empty file", "header only", "duplicate ids", "unknown id column"],
)
def test_bad_files_are_refused_in_words(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "in.csv").write_text(text)
    done = CliRunner().invoke(
        app, ["resolve", str(tmp_path / "in.csv"), "--id", "id", "--out", str(tmp_path / "o.csv")]
    )
    assert message in str(done.exception)
    assert not (tmp_path / "o.csv").exists()


def test_febrl3_without_configuration(public_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "febrl3.csv"
    _run(public_data / "febrl3" / "records.csv", "--id", "record_id", "--out", out)
    with (public_data / "febrl3" / "truth.csv").open(encoding="utf-8") as file:
        entity = {row["record_id"]: row["entity_id"] for row in csv.DictReader(file)}
    members: dict[str, list[str]] = {}
    for record, person in sorted(entity.items()):
        members.setdefault(person, []).append(record)
    true = {pair for records in members.values() for pair in combinations(records, 2)}
    found = _pairs(out)
    f1 = 2 * len(true & found) / (len(true) + len(found))
    assert f1 >= 0.99
