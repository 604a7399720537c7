"""The commands that explain, judge and label, on a small warehouse."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import functions as F
from tests.unit.cli.calls import Calls
from tests.unit.matched_shop import Shop, write_truth

from cdp_spark.clustering import stage as clustering
from cdp_spark.runs.run_log import Run, StageOutcome, record
from cdp_spark.tables.catalog import CLUSTERS, IDENTIFIERS, LABELS, PAIR_SCORES


@pytest.fixture
def calls(shop: Shop) -> Calls:
    return Calls(shop)


def test_why_prints_the_waterfall_and_writes_page_and_picture(calls: Calls, tmp_path: Path) -> None:
    page, picture = tmp_path / "why.html", tmp_path / "why.svg"
    text = calls.text("why", "crm:0", "web:0", "--html", page, "--svg", picture)
    for word in ("crm:0 and web:0: Same person", "prior", "match weight", "found by email", "█"):
        assert word in text
    html = page.read_text(encoding="utf-8")
    assert "<svg" in html
    assert "<script" not in html
    assert picture.read_text(encoding="utf-8").startswith("<svg")
    facts = calls.json("why", "crm:0", "web:0")
    assert facts["weight_log2"] == pytest.approx(sum(it["bits"] for it in facts["contributions"]))
    assert facts["left"]["record_key"] == "a00"


def test_why_refuses_a_file_before_it_starts(calls: Calls, tmp_path: Path) -> None:
    assert "--svg: got why.png; allowed: a name in .svg" in str(calls.error("why", "a", "b", "--svg", "why.png"))
    assert "no folder" in str(calls.error("why", "a", "b", "--html", tmp_path / "nowhere" / "why.html"))


def test_evaluate_judges_the_tables_by_a_truth(calls: Calls, tmp_path: Path) -> None:
    truth, page = write_truth(tmp_path / "truth.csv"), tmp_path / "evaluation.html"
    facts = calls.json("evaluate", "--truth", truth, "--html", page)
    assert (facts["records"], facts["entities"], facts["true_pairs"]) == (80, 60, 20)
    assert facts["pairwise"]["recall"] == facts["correct_pairs"] / 20
    assert facts["blocking_recall"] == facts["pairs"]["compared_true"] / 20
    missed, false = facts["pairs"]["missed"], facts["pairs"]["false"]
    assert sum(missed.values()) == facts["true_pairs"] - facts["correct_pairs"]
    assert sum(false.values()) == facts["found_pairs"] - facts["correct_pairs"]
    assert facts["pairs"]["sweep"][0]["pairs"] == facts["pairs"]["compared"]
    assert "<svg" in page.read_text(encoding="utf-8")
    text = calls.text("evaluate", "--truth", truth)
    for word in ("80 records", "B-cubed", "blocking recall", "pairs at or above a weight"):
        assert word in text


def test_evaluate_says_why_the_worst_mistakes_were_made(calls: Calls, tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    entities = {"crm,0": "p", "web,0": "q", "crm,1": "r", "crm,2": "r", "crm,998": "s", "crm,999": "s"}
    lines = ["source,source_record_id,entity_id", *(f"{record},{entity}" for record, entity in entities.items())]
    truth.write_text("\n".join(lines), encoding="utf-8")
    false, missed = calls.json("evaluate", "--truth", truth)["mistakes"]
    assert (false["kind"], false["record_key_l"], false["record_key_r"]) == ("false merge", "a00", "b00")
    assert false["reason"].startswith("joined directly, ")
    assert false["comparisons"][0]["bits"] > 0
    assert false["chain"] == []
    assert (missed["kind"], missed["record_key_l"], missed["record_key_r"]) == ("missed", "a01", "a02")
    assert missed["reason"].startswith("never compared: ")
    text = calls.text("evaluate", "--truth", truth)
    assert "most bits" in text
    assert "joined directly" in text
    assert calls.json("evaluate", "--truth", truth, "--worst", "0")["mistakes"] == []


def test_evaluate_judges_a_file_of_clusters(calls: Calls, tmp_path: Path) -> None:
    clusters, truth = tmp_path / "out.csv", tmp_path / "truth.csv"
    clusters.write_text("record_id,cluster_id\n1,x\n2,x\n3,y\n")
    truth.write_text("record_id,entity_id\n1,A\n2,A\n3,A\n")
    facts = calls.json("evaluate", clusters, "--truth", truth)
    assert facts["pairwise"] == {"precision": 1.0, "recall": 0.3333, "f1": 0.5}
    assert facts["b_cubed"] == {"precision": 1.0, "recall": 0.5556, "f1": 0.7143}
    assert "one of --truth FILE" in str(calls.error("evaluate", clusters))


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_labels_from_sheet_to_clusters(own_shop: Shop, tmp_path: Path) -> None:
    calls, sheet = Calls(own_shop), tmp_path / "sheet.csv"
    assert calls.json("label", sheet, "--pairs", "12")[0]["pairs"] == 12
    assert "which exists" in str(calls.error("label", sheet))
    with sheet.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert not {"weight_log2", "levels", "stratum", "deterministic"} & set(rows[0])
    assert {"given_name_l", "given_name_r", "email_l", "email_r"} <= set(rows[0])
    for row in rows[:-1]:
        row["answer"] = "yes" if row["record_key_l"][1:] == row["record_key_r"][1:] else "no"
    write_rows(sheet, rows)
    [read] = calls.json("label", "--read", sheet, "--author", "ann")
    assert (read["yes"] + read["no"], read["unanswered"], read["labels written"]) == (11, 1, 11)
    [again] = calls.json("label", "--read", sheet, "--author", "ann")
    assert (again["labels written"], again["in force already"]) == (0, 11)
    estimate = calls.json("evaluate", "--answers", sheet)
    assert estimate["answered"] == 11
    assert 0 <= estimate["precision"]["low"] <= estimate["precision"]["high"] <= 1
    figures = calls.json("evaluate", "--labels")
    assert (figures["must_links"], figures["cannot_links"]) == (read["yes"], read["no"])
    assert len(calls.json("labels")) == 11
    other = tmp_path / "other.csv"
    write_rows(other, [row | {"model_version": "9"} for row in rows])
    assert "a sheet of pairs of model 9; allowed: pairs of model 1" in str(calls.error("evaluate", "--answers", other))
    later = datetime.now(UTC) + timedelta(hours=1)
    run = Run("run-2", 2, later, "h")
    pages = [calls.text("evaluate", option, *more) for option, more in (("--labels", []), ("--answers", [sheet]))]
    assert "model alone" in pages[0]
    assert "recall of compared pairs" in pages[1]
    record(own_shop.store, run, StageOutcome("clustering", "finished", at=later))
    assert "11 answers that the last run obeyed as labels" in str(calls.error("evaluate", "--answers", sheet))


def test_links_and_unlinks_outlive_a_run(own_shop: Shop) -> None:
    calls = Calls(own_shop)
    assert "crm:1 and crm:2: must-link, from the next run on" in calls.text("link", "crm:1", "crm:2", "--author", "ann")
    assert "in force already" in calls.text("link", "a02", "a01", "--author", "bob")
    calls.text("link", "crm:2", "crm:4", "--author", "ann")
    error = str(calls.error("unlink", "crm:1", "crm:4", "--author", "ann"))
    assert "a cannot-link of a01 and a04, joined by must-links a01 – a02 – a04" in error
    calls.text("unlink", "crm:0", "web:0", "--author", "ann", "--reason", "father and son")
    assert "--author: got nobody" in str(calls.error("unlink", "crm:0", "web:0"))
    clustering.run(own_shop.context("run-2"))
    cluster = {row["record_key"]: row["cluster"] for row in own_shop.store.read(CLUSTERS).collect()}
    assert cluster["a01"] == cluster["a02"] == cluster["a04"]
    assert cluster["a00"] != cluster["b00"]
    told = calls.json("why", "crm:0", "web:0")
    assert told["verdict"] == "apart: the cannot-link of ann"
    assert told["labels"][0]["reason"] == "father and son"
    assert told["surroundings"]["cut_reason"] == "cannot_link"
    chained = calls.text("why", "crm:1", "crm:4")
    assert "never compared, other records join them" in chained
    assert "the strongest chain between them" in chained


def test_a_label_is_withdrawn_and_what_cannot_be_is_refused(own_shop: Shop) -> None:
    calls = Calls(own_shop)
    told = calls.text("unlink", "crm:3", "web:3", "--author", "ann", "--reason", "twins")
    assert "crm:3 and web:3: cannot-link, from the next run on" in told
    clustering.run(own_shop.context("run-2"))
    assert cluster_of(own_shop, "a03") != cluster_of(own_shop, "b03")
    taken_back = ("labels", "withdraw", "web:3", "crm:3", "--author", "bob")
    assert "--reason: got nothing" in str(calls.error(*taken_back, "--reason", " "))
    assert "the cannot-link is withdrawn" in calls.text(*taken_back, "--reason", "one person after all")
    assert "of which no label is in force" in str(calls.error(*taken_back, "--reason", "again"))
    rows = [(it["label"], it["in force"], it["author"], it["reason"]) for it in calls.json("labels")]
    assert rows == [("withdrawn", False, "bob", "one person after all"), ("cannot_link", False, "ann", "twins")]
    clustering.run(own_shop.context("run-3"))
    assert cluster_of(own_shop, "a03") == cluster_of(own_shop, "b03")
    assert str(calls.error("how", "7")) == 'record: No record "7". Did you mean crm:7?'
    assert 'No record "crm:999".' in str(calls.error("link", "crm:3", "crm:999", "--author", "ann"))
    assert "record a03 twice" in str(calls.error("link", "crm:3", "a03", "--author", "ann"))


def test_a_label_under_a_clock_that_runs_backwards_is_refused(own_shop: Shop) -> None:
    calls, store = Calls(own_shop), own_shop.store
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    row = ("a03", "b03", tomorrow, "cannot_link", "bob", None)
    store.append(LABELS, LABELS.table([row]), application=None)
    told = str(calls.error("link", "crm:3", "web:3", "--author", "ann"))
    assert f"1 pairs with a label of a later time, up to {tomorrow:%Y-%m-%d %H:%M:%S}" in told
    assert "put the clock right" in told
    assert "later time" in str(calls.error("labels", "withdraw", "crm:3", "web:3", "--author", "a", "--reason", "b"))
    assert "from the next run on" in calls.text("link", "crm:3", "web:0", "--author", "ann")
    assert store.read(LABELS).count() == 2


def test_a_must_link_that_a_limit_forbids_says_so(own_shop: Shop) -> None:
    calls, store = Calls(own_shop), own_shop.store
    assert calls.text("link", "crm:1", "crm:2", "--author", "ann").endswith("from the next run on\n")
    customers, match = own_shop.folder / "sources" / "customers.yaml", own_shop.folder / "match.yaml"
    text = customers.read_text(encoding="utf-8")
    customers.write_text(f"{text}\nidentifiers: {{user_id: login}}\n")
    held = [(key, "person", "user_id", key, key, True, None, None) for key in ("a04", "a05")]
    store.overwrite(IDENTIFIERS, IDENTIFIERS.table(held))
    told = calls.text("link", "crm:4", "crm:5", "--author", "ann")
    assert "from the next run on; but they have two values of user_id, which is unique, so they stay apart" in told
    unique = "  clustering: {unique: [birth_date]}\n\n  deterministic:"
    match.write_text(match.read_text(encoding="utf-8").replace("  deterministic:", unique))
    assert "two values of birth_date, which is unique" in calls.text("link", "crm:7", "crm:8", "--author", "ann")
    customers.write_text(text.replace("name: customers", "name: crm\nduplicate_free: true"))
    told = calls.text("link", "crm:10", "crm:11", "--author", "ann")
    assert "but source crm is declared duplicate-free" in told


def test_a_cannot_link_parts_an_exact_match(own_shop: Shop) -> None:
    calls, store = Calls(own_shop), own_shop.store
    pair = ("a06", "b06")
    is_pair = F.concat("record_key_l", "record_key_r") == "".join(pair)
    store.overwrite(PAIR_SCORES, store.read(PAIR_SCORES).withColumn("deterministic", is_pair))
    assert cluster_of(own_shop, pair[0]) == cluster_of(own_shop, pair[1])
    told = calls.text("unlink", *pair, "--author", "ann")
    assert "although a deterministic rule joins them: the label has the last word" in told
    clustering.run(own_shop.context("run-2"))
    assert cluster_of(own_shop, pair[0]) != cluster_of(own_shop, pair[1])


def cluster_of(shop: Shop, record_key: str) -> str:
    row = shop.store.read(CLUSTERS).where(f"record_key = '{record_key}'").collect()[0]
    return str(row["cluster"])


def test_how_shows_the_merges_and_what_was_cut(calls: Calls) -> None:
    [facts] = calls.json("how", "web:0")
    assert (facts["cluster"], [it["record_key"] for it in facts["records"]]) == ("a00", ["a00", "b00"])
    assert [(it["left"], it["right"], it["compared"]) for it in facts["merges"]] == [("a00", "b00", 1)]
    assert facts["weakest"] == facts["merges"][0]
    text = calls.text("how", "crm:0")
    for word in ("cluster a00 of 2 records", "Weakest link: crm:0 (1) and web:0 (1)"):
        assert word in text


def test_blocking_is_estimated_and_suggested(calls: Calls) -> None:
    told = calls.json("blocking", "estimate")
    rules = {it["rule"]: it for it in told["rules"]}
    assert list(rules) == ["email", "phone", "name_and_birth_date", "name_and_postcode", "names"]
    assert rules["email"]["pairs"] == 20
    assert rules["phone"]["pairs"] == 0
    assert told["records"] == 80
    assert "no pair is known" in calls.text("blocking", "estimate")
    suggested = calls.json("blocking", "suggest")
    assert suggested
    assert float(suggested[-1]["recall so far"]) > 0.9
    assert "known pairs found" not in suggested[0]
    text = calls.text("blocking", "suggest")
    assert "blocking:\n- name: " in text
    assert "with these rules no pair is known" in text


def test_blocking_recall_is_measured_on_labels(own_shop: Shop) -> None:
    calls = Calls(own_shop)
    calls.text("link", "crm:0", "web:0", "--author", "ann")
    calls.text("link", "crm:1", "crm:2", "--author", "ann")
    told = calls.json("blocking", "estimate")
    assert (told["known"], told["recall"]) == (2, 0.5)
    assert {it["rule"]: it["known pairs found"] for it in told["rules"]}["email"] == 1
    suggested = calls.json("blocking", "suggest")
    assert max(it["known pairs found"] for it in suggested) == 1
    assert "1 of 2 known pairs are found, recall 0.5000" in calls.text("blocking", "suggest")
