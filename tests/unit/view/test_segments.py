"""`cdp segments` on a warehouse of five profiles, written without Spark.

The release was made with other definitions than the project has now: romans had no phone to have, `ulm` is new, `gone`
is no longer there.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, cast

import pytest
from pyspark.sql import SparkSession
from typer.testing import CliRunner

import cdp_spark
from cdp_spark.cli.main import app
from cdp_spark.config.authoring.starter import write_starter
from cdp_spark.config.load import load_project
from cdp_spark.errors import CdpError
from cdp_spark.normalise.hashing import record_key
from cdp_spark.runs.releases import Release, append_release
from cdp_spark.runs.run_log import FINISHED, Run, StageOutcome, record
from cdp_spark.segments.asked import surroundings_of
from cdp_spark.segments.compile import compile_segments
from cdp_spark.tables.catalog import (
    ACCOUNT_MEMBERS,
    HOUSEHOLDS,
    ID_REGISTRY,
    IDENTIFIERS,
    PROFILES,
    RECORDS,
    SEGMENT_CHANGES,
    SEGMENT_MEMBERS,
    SEGMENTS,
    TRAITS,
    UNIFIED_IDS,
)
from cdp_spark.tables.spec import TableSpec
from cdp_spark.tables.store import Store

FIRST, SECOND = (datetime(2026, 1, day, 2, tzinfo=UTC) for day in (10, 20))
_EMPTY: dict[str, Any] = {
    **{name: [] for name in ("emails", "phones", "sources", "value_issues")},
    **{name: {} for name in ("attributes", "consents")},
    "entity_type": "person",
    "record_count": 1,
    "ingested_at_utc": FIRST,
    "content_hash": "-",
}
PEOPLE: dict[str, dict[str, Any]] = {
    "ada": {"given_name": "Ada", "city": "Rome", "phone": "+391", "record_count": 2, "last_seen_at_utc": FIRST},
    "bob": {"given_name": "Bob", "city": "Rome"},
    "cy": {"given_name": "Cy", "city": "Ulm", "phone": "+492"},
    "dan": {"given_name": "Dan", "phone": "+493"},
    "firm": {"company_name": "Firm", "city": "Ulm", "entity_type": "account"},
}
DEFINITIONS = {
    "romans": "{description: In Rome, members: {where: city = 'Rome' and phone is not null}}",
    "loyal": "{members: {where: record_count >= 2}}",
    "ulm": "{members: {any: [{segment: romans}, {where: city = 'Ulm'}]}}",
}
BEFORE = {
    "romans": "{description: In Rome, members: {where: city = 'Rome'}}",
    "loyal": "{members: {where: record_count >= 2}}",
    "gone": "{members: {where: city = 'Ulm'}}",
}


@dataclass(frozen=True)
class Shop:
    """A project, and calls of the command line on it."""

    folder: Path
    before: Path

    def text(self, *arguments: object) -> str:
        command = ["--project", str(self.folder), "segments", *map(str, arguments)]
        done = CliRunner().invoke(app, command, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    def json(self, *arguments: object) -> Any:
        return json.loads(self.text(*arguments, "--json"))

    def error(self, *arguments: object) -> str:
        with pytest.raises(CdpError) as raised:
            self.text(*arguments)
        return str(raised.value)


def write_project(folder: Path, definitions: Mapping[str, str]) -> Path:
    write_starter(folder)
    shutil.rmtree(folder / "segments")
    (folder / "segments").mkdir()
    for name, text in definitions.items():
        (folder / "segments" / f"{name}.yaml").write_text("{" + f"name: {name}, {text[1:]}")
    destinations = folder / "destinations.yaml"
    destinations.write_text(
        destinations.read_text().replace("segment: reachable_gold", "segment: romans\n    exclude: loyal")
    )
    return folder


def write_warehouse(folder: Path, hashes: Mapping[str, str]) -> None:
    def rows_of(spec: TableSpec, rows: Sequence[Mapping[str, Any]]) -> Sequence[Sequence[Any]]:
        return [[{**_EMPTY, **row}.get(name) for name in spec.schema.names] for row in rows]

    keys = {who: record_key("crm", who.upper()) for who in PEOPLE}
    span = {"entered_at_utc": FIRST, "definition_hash": hashes["romans"]}
    tables: list[tuple[TableSpec, list[dict[str, Any]]]] = [
        (PROFILES, [{"unified_id": who, **values} for who, values in PEOPLE.items()]),
        (UNIFIED_IDS, [{"unified_id": who, "record_key": keys[who]} for who in PEOPLE]),
        (RECORDS, [{"record_key": keys[who], "source": "crm", "source_record_id": who.upper()} for who in PEOPLE]),
        (
            ID_REGISTRY,
            [{"unified_id": who, "status": "live", "created_release": 1, "cause": "new_record"} for who in PEOPLE],
        ),
        (
            SEGMENT_MEMBERS,
            [
                {**span, "segment": "romans", "unified_id": "ada"},
                {**span, "segment": "romans", "unified_id": "bob"},
                {**span, "segment": "loyal", "unified_id": "ada", "definition_hash": hashes["loyal"]},
                {**span, "segment": "romans", "unified_id": "cy", "exited_at_utc": SECOND},
                {**span, "segment": "gone", "unified_id": "cy", "entered_at_utc": SECOND},
            ],
        ),
        (
            SEGMENT_CHANGES,
            [
                {"release": 1, "segment": "romans", "unified_id": "cy", "change": "enter", "reason": "definition"},
                {"release": 2, "segment": "romans", "unified_id": "cy", "change": "exit", "reason": "data"},
                {"release": 1, "segment": "romans", "unified_id": "bob", "change": "enter", "reason": "definition"},
            ],
        ),
        (
            SEGMENTS,
            [
                {
                    "segment": "loyal",
                    "description": "",
                    "definition_hash": hashes["loyal"],
                    "member_count": 1,
                    "status": "failed",
                    "reason": "not computed: trait.x",
                    "computed_at_utc": FIRST,
                }
            ],
        ),
        *((spec, []) for spec in (IDENTIFIERS, ACCOUNT_MEMBERS, HOUSEHOLDS, TRAITS)),
    ]
    store = Store(cast("SparkSession", None), str(folder))
    vars(store)["folder"] = folder  # which a session would be asked for
    versions = {spec.name: store.overwrite(spec, spec.table(rows_of(spec, rows))) for spec, rows in tables}
    figures = {"segments.romans": 2.0, "segments.loyal": 1.0, "segments.gone": 1.0}
    for number, clock in enumerate((FIRST, SECOND), start=1):
        run = Run(f"run-{number}", number, clock, "-")
        record(store, run, StageOutcome("traits", FINISHED))
        record(store, run, StageOutcome("segments", FINISHED, metrics=figures))
        append_release(store, Release(number, run.run_id, clock, versions))


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    root = tmp_path_factory.mktemp("segments")
    shop = Shop(write_project(root / "now", DEFINITIONS), write_project(root / "before", BEFORE))
    compiled = compile_segments(surroundings_of(load_project(shop.before), now=SECOND))
    (shop.folder / "warehouse").mkdir()
    write_warehouse(shop.folder / "warehouse", {it.name: it.definition_hash for it in compiled})
    return shop


@pytest.fixture
def no_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a session was asked for")

    monkeypatch.setattr("cdp_spark.cli.commands.opening.get_project_session", refuse)


@pytest.mark.usefixtures("no_spark")
def test_the_list_has_every_segment_with_its_members_and_who_uses_it(shop: Shop) -> None:
    common = {"entity_type": "person", "computed_at": SECOND.isoformat(), "problem": None}
    loyal = {**common, "segment": "loyal", "members": 1, "destinations": ["newsletter (exclude)"], "description": ""}
    loyal |= {"computed_at": FIRST.isoformat(), "problem": "not computed: trait.x"}
    romans = {**common, "segment": "romans", "members": 2, "destinations": ["newsletter"], "description": "In Rome"}
    ulm: dict[str, Any] = {**common, "segment": "ulm", "members": None, "destinations": [], "description": ""}
    assert shop.json("list") == [loyal, romans, ulm]
    assert shop.text("list").splitlines()[-1] == f"ulm\tperson\tnot yet\t{SECOND.isoformat()}\t\t\t"


@pytest.mark.usefixtures("no_spark")
def test_the_overlap_counts_the_members_that_segments_share(shop: Shop) -> None:
    assert shop.text("overlap", "romans", "loyal").splitlines() == [
        "# members of the row's segment who are in the column's, too",
        "segment\tromans\tloyal",
        "romans\t2\t1",
        "loyal\t1\t1",
        "# members of the row's segment who are in the column's, too, in percent",
        "segment\tromans\tloyal",
        "romans\t100.0\t50.0",
        "loyal\t100.0\t100.0",
    ]
    found = shop.json("overlap")
    assert found["sizes"] == {"gone": 1, "loyal": 1, "romans": 2}
    assert found["pairs"][-1] == {"segment": "romans", "other": "loyal", "shared": 1, "share": 0.5}


@pytest.mark.usefixtures("no_spark")
def test_a_segment_or_person_that_is_not_there_is_told_with_the_nearest_one(shop: Shop) -> None:
    unknown = 'segment: No segment "roman". Did you mean romans? The project has loyal, romans, ulm.'
    for command in (["size"], ["preview"], ["diff"], ["overlap", "--draft"]):
        assert shop.error(*command, "roman") == unknown
    assert shop.error("explain", "roman", "ada") == unknown
    assert shop.error("overlap", "lojal") == (
        'segment: No segment "lojal". Did you mean loyal? Release 2 has gone, loyal, romans.'
    )
    assert shop.error("explain", "romans", "crm:bib").endswith(
        "got crm:bib, which nobody has. Fix: did you mean crm:BOB?"
    )
    assert "e-mail address or phone that no profile has" in shop.error("explain", "romans", "eve@example.com")
    assert "--as-of: got 'noon'" in shop.error("size", "--as-of", "noon")


def test_sizes_members_and_overlaps_are_what_a_run_would_give_now(shop: Shop) -> None:
    assert shop.text("size").splitlines() == [
        "segment\tnow\treleased\tdifference",
        "loyal\t1\t1\t0",
        "romans\t1\t2\t-1",
        "ulm\t2\t\t",
    ]
    assert shop.text("preview", "ulm", "--limit", "1").splitlines() == [
        "# ulm: 1 of 2 members, by unified id",
        "unified_id\tname\trecords\tcity\tphone",
        "ada\tAda\tcrm:ADA\tRome\t+391",
    ]
    assert shop.json("overlap", "--draft", "ulm", "loyal")["pairs"] == [
        {"segment": "ulm", "other": "loyal", "shared": 1, "share": 0.5},
        {"segment": "loyal", "other": "ulm", "shared": 1, "share": 1.0},
    ]


def test_a_condition_that_no_run_has_computed_is_named(shop: Shop, tmp_path: Path) -> None:
    members = "{members: {all: [{events: {of: page_view}}, {segment: loyal}]}}"
    edited = Shop(write_project(tmp_path / "now", {**DEFINITIONS, "viewers": members}), shop.before)
    shutil.copytree(shop.folder / "warehouse", edited.folder / "warehouse")
    command = ["--project", str(edited.folder), "segments", "size", "viewers"]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.stdout.splitlines()[-1] == "viewers\t0\t\t"
    warning = (
        "Warning: segment viewers asks for a condition on events, which no run has computed. Run `cdp run nightly`."
    )
    assert done.stderr.strip() == warning
    tree = edited.json("explain", "viewers", "crm:ADA")[0]["conditions"]
    assert [(it["condition"], it["truth"]) for it in tree["parts"]] == [
        ("events: {of: [page_view]}", False),
        ("segment: loyal", True),
    ]


def test_before_the_first_release_there_is_nothing_to_ask(shop: Shop, tmp_path: Path) -> None:
    empty = Shop(write_project(tmp_path / "empty", DEFINITIONS), shop.before)
    for command in (["list"], ["size"], ["explain", "romans", "ada"]):
        assert "got no release yet. Fix: run `cdp run nightly` first" in empty.error(*command)


def test_an_explanation_has_each_condition_with_what_it_reads_and_when_a_member_came_and_went(shop: Shop) -> None:
    assert shop.text("explain", "ulm", "crm:BOB").splitlines() == [
        "Bob, person bob",
        "Not in ulm (release 2).",
        "Kept out by: segment: romans; city = 'Ulm'.",
        "",
        "# conditions, as of 2026-01-20 02:00:00 UTC",
        "condition\tis\tvalues",
        "any of\tfalse\t",
        "  segment: romans\tfalse\t",
        "    all of\tfalse\t",
        "      city = 'Rome'\ttrue\tcity = Rome",
        "      phone is not null\tfalse\tphone has no value",
        "  city = 'Ulm'\tfalse\tcity = Rome",
    ]
    [bob] = cdp_spark.open(shop.folder).explain_segment("romans", "bob")
    assert (bob.is_member, bob.was_member, bob.decided_by) == (False, True, ("phone is not null",))
    [cy] = shop.json("explain", "romans", "cy")
    assert cy["memberships"] == [
        {
            "entered_at": FIRST.isoformat(),
            "entered_because": "definition",
            "exited_at": SECOND.isoformat(),
            "exited_because": "data",
        }
    ]
    assert shop.text("explain", "loyal", "firm").splitlines()[:3] == [
        "Firm, account firm",
        "Not in loyal, which is a segment of persons.",
        "",
    ]


def test_a_difference_names_who_enters_and_leaves_and_the_conditions_that_decide(shop: Shop) -> None:
    loyal, romans, ulm, gone = shop.json("diff")
    bob = {"unified_id": "bob", "name": "Bob", "records": ["crm:BOB"]}
    counts = {"released": 1, "now": 1, "enters": 0, "exits": 0}
    assert loyal == {"segment": "loyal", **counts, "decided_by": [], "examples": {"enter": [], "exit": []}}
    decided = {"change": "exit", "condition": "phone is not null", "definition": "now", "people": 1}
    counts = {"released": 2, "now": 1, "enters": 0, "exits": 1}
    examples = {"enter": [], "exit": [bob]}
    assert romans == {"segment": "romans", **counts, "decided_by": [decided], "examples": examples}
    assert (ulm["released"], ulm["now"], ulm["enters"]) == (None, 2, 2)
    assert [(it["condition"], it["people"]) for it in ulm["decided_by"]] == [
        ("city = 'Ulm'", 1),
        ("segment: romans", 1),
    ]
    assert (gone["now"], gone["exits"]) == (None, 1)
    assert gone["decided_by"][0]["condition"] == "the project no longer has this segment"


def test_with_the_project_as_it_was_the_conditions_that_changed_are_named(shop: Shop, tmp_path: Path) -> None:
    wider = Shop(shutil.copytree(shop.folder, tmp_path / "wider"), shop.before)
    (wider.folder / "segments" / "romans.yaml").write_text(
        "{name: romans, members: {where: \"city in ('Rome', 'Ulm')\"}}"
    )
    [romans] = wider.json("diff", "romans", "--before", shop.before)
    assert (romans["enters"], romans["exits"]) == (1, 0)
    assert romans["decided_by"] == [
        {"change": "enter", "condition": "city = 'Rome'", "definition": "before", "people": 1}
    ]
    assert "got other definitions of romans than release 2 was made with" in shop.error("diff", "--before", shop.folder)
