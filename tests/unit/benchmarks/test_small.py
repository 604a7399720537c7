"""Small files: drawn, sampled and judged; priors learnt from them and written."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from benchmarks.cases import precision_and_recall
from benchmarks.small import drawn, learn, sampled
from benchmarks.small.chosen import LEARNING, MEASURING, missing_sources
from benchmarks.small.drawn import KINDS, draw_file
from benchmarks.small.evaluate import Measured, measure, table_of
from benchmarks.small.files import SmallFile
from benchmarks.small.learn import (
    FIRM,
    HOUSEHOLD,
    LEAST_PAIRS,
    MATCHES,
    OTHERS,
    LevelCounts,
    classes_of,
    count_levels,
    fit_dirichlet,
    learn_priors,
    shares_of,
)
from benchmarks.small.priors_file import Learnt, header_of, write_priors
from benchmarks.small.sampled import read_people, sample_file
from benchmarks.small.world import LOCALES
from pydantic import TypeAdapter

from cdp_spark.limits import EVERY_PAIR_RECORDS
from cdp_spark.resolution.learning.priors import LevelPrior, shipped_priors

_SEED = 11


@pytest.fixture
def draws() -> Callable[..., SmallFile]:
    pytest.importorskip("faker")
    return draw_file


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_the_same_file_and_another_seed_another(kind: str, draws: Callable[..., SmallFile]) -> None:
    file = draws(kind, seed=5, records=30)
    assert file == draws(kind, seed=5, records=30)
    assert file.rows != draws(kind, seed=6, records=30).rows


@pytest.mark.parametrize("kind", KINDS)
def test_truth_and_groups_cover_all_rows(kind: str, draws: Callable[..., SmallFile]) -> None:
    file = draws(kind, seed=5, records=60)
    assert len(file.rows) == len(file.entities) == len(file.households) == len(file.ids) == 60
    assert len(file.firms) == (60 if KINDS[kind].at_work else 0)
    assert {len(row) for row in file.rows} == {len(file.header)}
    for groups in filter(None, (file.households, file.firms)):
        assert len(set(zip(file.entities, groups, strict=True))) == len(set(file.entities))
    assert 1 < max(Counter(file.entities).values()) <= 5


def test_files_come_from_all_countries(draws: Callable[..., SmallFile], monkeypatch: pytest.MonkeyPatch) -> None:
    for locale in sorted(set(LOCALES)):
        monkeypatch.setattr("benchmarks.small.world.LOCALES", (locale,))
        assert len(draws("crm", seed=1, records=10).rows) == 10


def test_a_seed_gives_the_same_file_in_every_process(draws: Callable[..., SmallFile]) -> None:
    """Italy's cities come from a set, whose order depends on how the process hashes texts."""
    code = (
        "from benchmarks.small import drawn, world; world.LOCALES = ('it_IT',);"
        "print(drawn.draw_file('dob', seed=1, records=20))"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert printed[0] == printed[1]


def test_no_file_is_both_learnt_from_and_measured() -> None:
    seeds = [
        {choice.first_seed + at for at in range(sum(files for _, files in sizes))}
        for choice in (LEARNING, MEASURING)
        for sizes in (choice.drawn_sizes, choice.sampled_sizes)
    ]
    assert not (seeds[0] | seeds[1]) & (seeds[2] | seeds[3])
    assert LEARNING.half != MEASURING.half
    assert max(records for records, _ in (*LEARNING.drawn_sizes, *LEARNING.sampled_sizes)) <= EVERY_PAIR_RECORDS


def test_the_halves_of_a_public_set_share_no_person(tmp_path: Path) -> None:
    people = read_people("febrl3", data=_public_set(tmp_path), scratch=tmp_path / "scratch")
    files = [sample_file(people, half=half, seed=1, records=12) for half in (0, 1)]
    assert people.header == ("name", "city")
    assert not set(files[0].entities) & set(files[1].entities)
    assert all(len(file.rows) == 12 for file in files)
    assert all(
        row[0].startswith(f"Person {entity} ") for row, entity in zip(files[0].rows, files[0].entities, strict=True)
    )
    assert files[0] == sample_file(people, half=0, seed=1, records=12)


def test_what_is_missing_is_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sampled.why_missing("febrl3", None) == (
        "febrl3: left out, no folder of public sets was named (--data, or CDP_DATA_DIR in the environment)"
    )
    assert sampled.why_missing("febrl3", tmp_path) == f"febrl3: left out, {tmp_path} has no such folder"
    monkeypatch.setattr(drawn, "find_spec", lambda _: None)
    assert "drawn files: left out, the package is not installed (pip install faker)" in missing_sources(tmp_path)


def test_the_packages_own_priors_are_not_overwritten_from_a_part_of_the_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        learn.main(["--data", str(tmp_path)])
    assert "write another one with --out FILE" in capsys.readouterr().err


def test_the_fit_recovers_the_parameters_that_counts_were_drawn_from() -> None:
    generator, parameters = np.random.default_rng(_SEED), np.array([12.0, 3.0, 0.6])
    shares = generator.dirichlet(parameters, size=600)
    totals = generator.integers(20, 400, size=600)
    counts = np.stack([generator.multinomial(n, share) for n, share in zip(totals, shares, strict=True)])
    assert fit_dirichlet(counts) == pytest.approx(parameters, rel=0.12)
    assert fit_dirichlet(np.vstack([counts, np.zeros((5, 3), dtype=np.int64)])) == pytest.approx(fit_dirichlet(counts))


def test_no_share_is_below_the_least() -> None:
    assert shares_of([np.array([6.0, 2.0]), np.array([1.0, 1.0])]) == (0.625, 0.375)
    assert shares_of([np.array([1.0, 1e-9])]) == (0.9997, 0.0002999)


def test_only_classes_that_were_seen_often_enough_are_replaced() -> None:
    counts = np.zeros((4, 3), dtype=np.int64)
    counts[MATCHES], counts[OTHERS] = (10, 20, 70), (LEAST_PAIRS // 2 - 1, 0, 0)
    files = [[LevelCounts("phone", "phone", counts)]] * 2
    entry = _entry()
    [(after, learnt)] = learn_priors([entry], files)
    assert after.matches == pytest.approx((0.1, 0.2, 0.7), rel=0.05)
    assert (after.others, after.related) == (entry.others, entry.related)
    assert after.strength == (200, 30, 100)
    assert str(learnt) == "learnt from 2 files, 200 pairs of matches"


def test_a_level_that_is_set_by_hand_stays_and_the_others_share_the_rest() -> None:
    entry = _entry(by_hand=("near",), matches=(0.3, 0.1, 0.6), levels=("different", "near", "equal"))
    counts = np.zeros((4, 3), dtype=np.int64)
    counts[MATCHES] = (100, 0, 300)
    [(after, _)] = learn_priors([entry], [[LevelCounts("phone", "phone", counts)]] * 3)
    assert after.matches == pytest.approx((0.225, 0.1, 0.675), rel=0.02)


def test_related_people_are_the_mean_of_household_and_firm() -> None:
    counts = np.zeros((4, 3), dtype=np.int64)
    counts[HOUSEHOLD], counts[FIRM] = (100, 0, 100), (300, 0, 100)
    [(after, learnt)] = learn_priors([_entry()], [[LevelCounts("phone", "phone", counts)]] * 3)
    assert after.related == pytest.approx((0.625, 0.001, 0.375), rel=0.05, abs=0.001)
    assert learnt.pairs == {"related": 1800}


def test_what_companies_or_any_column_are_worth_stays_as_it_is() -> None:
    files = [[LevelCounts("phone", "phone", np.full((4, 3), 500))]]
    entries = [_entry(about="companies"), _entry(columns=())]
    assert learn_priors(entries, files) == [(entry, Learnt(None)) for entry in entries]
    assert str(Learnt(None)) == "set by hand"
    assert learn_priors([_entry(columns=("fax",))], files) == [(_entry(columns=("fax",)), Learnt(0))]


def test_the_priors_file_reads_back_as_it_was_written() -> None:
    entries = [(entry, Learnt(3, {"matches": 1200})) for entry in shipped_priors()]
    text = write_priors(entries, header=header_of(["people", "shop", "febrl3"]))
    assert TypeAdapter(tuple[LevelPrior, ...]).validate_python(yaml.safe_load(text), strict=False) == shipped_priors()
    assert "2 drawn files, 1 samples of febrl3" in text
    assert text.count("\n\n# learnt from 3 files, 1,200 pairs of matches\n- method: ") == len(entries)
    assert max(map(len, text.splitlines())) <= 120


def test_the_class_of_a_pair_is_the_closest() -> None:
    left, right = np.array([0, 0, 3, 0]), np.array([1, 2, 4, 3])
    at_work = _file(entities=tuple("aabcd"), households=tuple("11123"), firms=tuple("xxxyy"))
    assert classes_of(at_work, np.arange(5), left, right).tolist() == [MATCHES, FIRM, FIRM, OTHERS]
    at_home = _file(entities=tuple("aabcd"), households=tuple("11123"))
    assert classes_of(at_home, np.arange(5), left, right).tolist() == [MATCHES, HOUSEHOLD, OTHERS, OTHERS]


def test_levels_are_counted_by_class_without_missing_values(tmp_path: Path) -> None:
    rows = (
        ("Ann", "Lee", "a@b.example"),
        ("Ann", "Lee", "a@b.example"),
        ("Bob", "Lee", ""),
        ("Cyd", "Orr", "c@d.example"),
    )
    file = _file(rows=rows, entities=("1", "1", "2", "3"), households=("1", "1", "1", "3"))
    counted = {item.column: item.counts for item in count_levels(file, tmp_path)}
    assert counted["given_name"].sum(axis=1).tolist() == [1, 3, 2, 0]
    assert counted["family_name"][:, -1].tolist() == [1, 0, 2, 0]
    assert counted["email"].sum(axis=1).tolist() == [1, 2, 0, 0]


def test_a_file_is_judged_by_its_pairs(tmp_path: Path) -> None:
    same = ("Ann", "Leewater", "ann.leewater@b.example")
    rows = (same, same, ("Bob", "Orr", "bob@d.example"), ("Cyd", "Umber", "cyd@e.example"))
    assert measure(_file(rows=rows, entities=("1", "1", "2", "3")), tmp_path) == Measured("people", 4, 1.0, 1.0)
    refused = _file(header=("x",), rows=(("1",), ("2",)), entities=("1", "1"))
    assert measure(refused, tmp_path) == Measured("people", 4, 1.0, 0.0)


def test_the_table_has_means_by_kind_set_and_size() -> None:
    assert precision_and_recall(frozenset({("1", "2"), ("1", "3")}), frozenset({("1", "2")})) == (0.5, 1.0)
    table = table_of(
        [Measured("people", 24, 0.5, 1.0), Measured("people", 80, 1.0, 1.0), Measured("febrl3", 24, 0.0, 0.0)]
    )
    assert table.splitlines()[2:] == [
        "| people | 2 | 0.750 | 1.000 | 0.833 |",
        "| **all drawn files** | 2 | 0.750 | 1.000 | 0.833 |",
        "| febrl3 | 1 | 0.000 | 0.000 | 0.000 |",
        "| **all samples** | 1 | 0.000 | 0.000 | 0.000 |",
        "| 24 records | 2 | 0.250 | 0.500 | 0.333 |",
        "| 80 records | 1 | 1.000 | 1.000 | 1.000 |",
    ]


def _file(
    *,
    entities: tuple[str, ...],
    households: tuple[str, ...] = (),
    firms: tuple[str, ...] = (),
    header: tuple[str, ...] = ("First Name", "Last Name", "email"),
    rows: tuple[tuple[str, ...], ...] = (),
) -> SmallFile:
    return SmallFile("people", 4, 1, header, rows, entities, households, firms)


def _entry(**changed: object) -> LevelPrior:
    entry = LevelPrior(
        method="phone",
        columns=("phone",),
        levels=("different", "one digit off or same last seven", "equal"),
        matches=(0.3, 0.1, 0.6),
        others=(0.98, 0.01, 0.01),
        related=(0.5, 0.1, 0.4),
        frequency=(0.01,),
        strength=(20, 30, 40),
    )
    return entry.model_copy(update=changed)


def _public_set(folder: Path) -> Path:
    """Forty people with two records each."""
    (folder / "febrl3").mkdir()
    records = ["record_id,name,city", *(f"r{at},Person {at // 2} the {at},Town" for at in range(80))]
    truth = ["record_id,entity_id", *(f"r{at},{at // 2}" for at in range(80))]
    for name, lines in (("records", records), ("truth", truth)):
        (folder / "febrl3" / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
