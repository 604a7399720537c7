"""`cdp resolve` on files that are not as one hopes."""

import csv
import json
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from typer.testing import CliRunner

from cdp_spark.cli.main import app
from cdp_spark.errors import DataError

FIRST = ["James", "Mary", "Robert", "Patricia", "Wei", "Fatima", "Olga", "Juan", "Priya", "Kofi", "Ingrid", "Mateo"]
LAST = ["Walker", "Okafor", "Nguyen", "Schmidt", "Rossi", "Haddad", "Kowalski", "Svensson", "Tanaka", "Moreau"]
SWITCHBOARD = "+49 30 5550100"


def _people(count: int, *, on_switchboard: int) -> list[list[str]]:
    """Distinct people, the first of whom share one phone; every 50th has a second record with another phone."""
    rows, draw = [], Random(7).randrange
    for number in range(count):
        first, last = FIRST[draw(12)] + "a" * draw(7), LAST[draw(10)] + "son" * draw(3)
        born = f"{1940 + draw(61)}-{1 + draw(12):02}-{1 + draw(28):02}"
        phone = SWITCHBOARD if number < on_switchboard else f"+49 30 {7000000 + 7919 * number % 1_000_000}"
        rows.append([f"p{number}", first, last, born, phone, f"{10000 + draw(89000)}"])
        if number % 50 == 0:
            rows.append([f"q{number}", *rows[-1][1:4], "", rows[-1][5]])
    return rows


def _resolve(path: Path, rows: list[list[str]]) -> tuple[dict[str, object], dict[str, list[str]]]:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "first_name", "last_name", "birth_date", "phone", "postcode"], *rows])
    out = path.with_suffix(".out.csv")
    command = ["resolve", str(path), "--id", "id", "--out", str(out), "--json"]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    clusters: dict[str, list[str]] = {}
    with out.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            clusters.setdefault(row["cluster_id"], []).append(row["record_id"])
    return json.loads(done.stdout), clusters


def test_a_phone_of_ten_thousand_people_joins_nobody(tmp_path: Path) -> None:
    people = _people(10_500, on_switchboard=10_000)
    facts, clusters = _resolve(tmp_path / "people.csv", people)
    pairs = {tuple(sorted(members)) for members in clusters.values() if len(members) > 1}
    assert pairs == {(f"p{number}", f"q{number}") for number in range(0, 10_500, 50)}
    assert int(str(facts["pairs_compared"])) < 10 * len(people), "the shared phone's 50 million pairs were compared"


def test_one_record_is_alone(tmp_path: Path) -> None:
    """Alone it has nothing in common with anything, so there is nothing to compare: that is said, not guessed."""
    with pytest.raises(DataError, match="columns"):
        _resolve(tmp_path / "one.csv", _people(1, on_switchboard=0)[:1])


def test_identical_records_say_nothing_about_each_other(tmp_path: Path) -> None:
    rows = [[f"r{number}", "Ann", "Lee", "1980-02-03", SWITCHBOARD, "10115"] for number in range(300)]
    with pytest.raises(DataError, match="columns"):
        _resolve(tmp_path / "same.csv", rows)


def test_an_empty_column_and_a_constant_one_change_nothing(tmp_path: Path) -> None:
    people = _people(300, on_switchboard=0)
    _, clusters = _resolve(tmp_path / "as_is.csv", people)
    _, with_constant = _resolve(tmp_path / "constant.csv", [[*row[:4], "", "10115"] for row in people])
    sizes = Counter(map(len, clusters.values()))
    assert sizes == Counter(map(len, with_constant.values())) == {1: 294, 2: 6}


def test_rows_without_an_id_are_left_out_and_counted(tmp_path: Path) -> None:
    people = _people(200, on_switchboard=0)
    facts, clusters = _resolve(tmp_path / "people.csv", [*people, ["", *people[0][1:]], ["", *people[1][1:]]])
    assert facts["rejected"] == {"people: null_key": 2}
    assert facts["records"] == len(people) == sum(map(len, clusters.values()))


def test_an_id_that_two_files_give_to_one_source_is_refused(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / f"{name}.csv").write_text("id,system,name\n1,crm,ann\n2,shop,bob\n", encoding="utf-8")
    files = [str(tmp_path / "old.csv"), str(tmp_path / "new.csv")]
    command = ["resolve", *files, "--id", "id", "--source", "system", "--out", str(tmp_path / "out.csv")]
    with pytest.raises(DataError, match="2 ids that stand on more than one row"):
        CliRunner().invoke(app, command, catch_exceptions=False)


def _resolve_text(folder: Path, **files: list[list[str]]) -> tuple[dict[str, object], Counter[tuple[str, ...]]]:
    for name, rows in files.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
    out = folder / "out.csv"
    paths = [str(folder / f"{name}.csv") for name in files]
    done = CliRunner().invoke(
        app, ["resolve", *paths, "--id", "id", "--out", str(out), "--json"], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    clusters: dict[str, list[str]] = {}
    with out.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            clusters.setdefault(row["cluster_id"], []).append(row["record_id"])
    return json.loads(done.stdout), Counter(tuple(sorted(members)) for members in clusters.values())


HEADER = ["id", "Vor.Name", "Nachname", "Source", "Tel. Nr.", "PLZ"]


def test_columns_may_be_called_like_ours_and_have_points(tmp_path: Path) -> None:
    people = [
        [key, first, last, "crm", phone, code] for key, first, last, _, phone, code in _people(300, on_switchboard=0)
    ]
    facts, clusters = _resolve_text(tmp_path, people=[HEADER, *people])
    assert set(facts["columns"]["people"]) == {"Vor_Name", "Nachname", "Tel_ Nr_", "PLZ"}  # type: ignore[index]
    assert Counter(map(len, clusters)) == {1: 294, 2: 6}


def test_two_files_may_differ_in_columns_and_one_may_name_its_system(tmp_path: Path) -> None:
    """A birth date in one file only; a column that is another one in each file says nothing about people."""
    people = [row for row in _people(300, on_switchboard=0) if row[0].startswith("p")]
    old = [["id", "first_name", "last_name", "birth_date", "phone", "postcode", "origin"]]
    new = [["id", "first_name", "last_name", "phone", "postcode", "origin"]]
    old += [[*row, f"old {number % 2}"] for number, row in enumerate(people)]
    new += [[f"n{row[0]}", *row[1:3], *row[4:], f"new {number % 3}"] for number, row in enumerate(people[:100])]
    _, clusters = _resolve_text(tmp_path, old=old, new=new)
    assert sum(clusters[tuple(sorted((f"p{number}", f"np{number}")))] for number in range(100)) >= 98
