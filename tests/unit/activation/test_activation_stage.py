from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from tests.unit.activation.released import AS_OF, Warehouse7, consent, destination, profile

from cdp_spark.activation.audiences import reading
from cdp_spark.activation.audiences.audience import build_audience, build_consenting_profiles
from cdp_spark.activation.stage import run
from cdp_spark.config.destination import ArmOfExperiment, FileDestination
from cdp_spark.config.experiments import ExperimentConfig, ExperimentsConfig, HoldOutConfig, OutcomeOfExperiment
from cdp_spark.config.project import ConsentPolicy
from cdp_spark.errors import StateError
from cdp_spark.tables.catalog import (
    ACCOUNT_MEMBERS,
    CONSENTS,
    DELIVERIES,
    IDENTIFIERS,
    OFFERS,
    PROFILES,
    SCORES,
    SEGMENTS,
    TRAITS,
    UNIFIED_IDS,
    WITHDRAWAL_ISSUES,
)
from cdp_spark.tables.consents import build_contact_point_consents
from cdp_spark.tables.rows import texts
from cdp_spark.tables.run import LastFinish

WINTER = ExperimentsConfig(
    hold_out=HoldOutConfig(percent=5),
    experiments=(
        ExperimentConfig(
            name="winter",
            segment="all",
            arms={"control": 20, "offer": 40, "other": 40},
            starts=AS_OF.date(),
            ends=AS_OF.date(),
            outcome=OutcomeOfExperiment(events=("purchase",)),
        ),
    ),
)


@pytest.fixture
def warehouse(spark: SparkSession, tmp_path: Path) -> Warehouse7:
    return Warehouse7(spark, tmp_path)


def assert_deliveries(warehouse: Warehouse7, *expected: tuple[object, ...]) -> None:
    found = warehouse.deliveries()
    rows = warehouse.store.spark.createDataFrame(list(expected), found.schema)
    assert_df_equality(found, rows, ignore_row_order=True)


def test_only_who_consented_is_exported_and_a_second_run_changes_nothing(warehouse: Warehouse7) -> None:
    both = {"emails": ["b@x.org", "b2@x.org", "b3@x.org"], "phones": ["+491"], "phone": "+491"}
    warehouse.fill(
        [
            profile("c", given_name='Jo "J" Doe', birth_date=date(1990, 1, 2), attributes={"z": "1", "a": "2"}),
            profile("b", **both, given_name="two\nlines", attributes={}),
            profile("refused_in_the_release", consents={"mail": "denied"}),
            profile("refused_since", emails=["refused_since@x.org", "other@x.org"]),
            profile("never_asked", consents={"mail": "unknown"}),
            profile("granted_for_another_address"),
            profile("without_address", email=None, emails=[]),
        ],
        [
            consent("c@x.org", "granted"),
            consent("b@x.org", "granted"),
            consent("b3@x.org", "granted"),
            consent("b@x.org", "denied", purpose="ads"),
            consent("refused_in_the_release@x.org", "granted"),
            consent("refused_since@x.org", "granted"),
            consent("other@x.org", "withdrawn"),
        ],
    )
    columns = ("unified_id", "email", "emails", "phone", "given_name", "birth_date", "attributes", "record_count")
    context = warehouse.context(destination("mailing", columns=columns))
    expected = (
        ",".join(columns)
        + '\nb,b@x.org,b@x.org;b3@x.org,,"two\nlines",,{},1\n'
        + 'c,c@x.org,c@x.org,,"Jo ""J"" Doe",1990-01-02,"{""a"":""2"",""z"":""1""}",1\n'
    )
    for _ in range(2):
        figures = {name: value for name, value in run(context).metrics.items() if not name.startswith("basis.")}
        assert figures == {"mailing.rows": 2.0, "mailing.withheld": 5.0, "mailing.consent": 5.0}
        assert warehouse.text("mailing") == expected
        assert_deliveries(warehouse, ("mailing", 7, "all", "delivered", 2, 5, "run-7"))
    shown = build_consenting_profiles(
        warehouse.store.read(PROFILES),
        build_contact_point_consents(warehouse.store.read(CONSENTS)),
        purpose="mail",
        policy=ConsentPolicy(purposes=("mail",)),
        is_suppressed=lambda _kind, value: value == "granted_for_another_address@x.org",
    )
    assert shown.columns == PROFILES.schema.names
    assert sorted(map(tuple, shown.select("unified_id", "email", "emails", "phone").collect())) == [
        ("b", "b@x.org", ["b@x.org", "b3@x.org"], None),
        ("c", "c@x.org", ["c@x.org"], None),
        ("without_address", None, [], None),
    ]


def test_kinds_of_destinations(warehouse: Warehouse7) -> None:
    warehouse.fill(
        [profile("a", given_name="=cmd()", phone="+491", revenue=-1.5), profile("b", email=None, emails=[])],
        [consent("a@x.org", "granted"), consent("+491", "granted")],
    )
    columns = ("given_name", "phone", "revenue")
    context = warehouse.context(
        destination("machine", columns=columns),
        destination("sheet", columns=columns, spreadsheet_safe=True),
        destination("anyone", columns=("unified_id", "sources"), contact_point="none", kind="parquet"),
        destination("crowd", min_members=3),
        destination("nobody", segment="empty"),
        destination("everyone", max_members=1, contact_point="none"),
        destination("ads", kind="google_customer_match", columns=("email", "given_name"), role="exclude"),
    )
    result = run(context)
    assert warehouse.text("machine") == "given_name,phone,revenue\n=cmd(),+491,-1.5\n"
    assert warehouse.text("sheet") == "given_name,phone,revenue\n'=cmd(),'+491,-1.5\n"
    assert warehouse.text("nobody") == "email\n"
    hashes = [hashlib.sha256(it).hexdigest() for it in (b"a@x.org", b"=cmd()")]
    ads = warehouse.folder / "exports/ads/release=7/exclude_ads.csv"
    assert ads.read_text() == f"Email,First Name\n{','.join(hashes)}\n"
    spark = warehouse.store.spark
    assert_df_equality(
        spark.read.parquet(str(warehouse.folder / "exports/anyone/release=7")),
        spark.createDataFrame([("a", ["crm"]), ("b", ["crm"])], "unified_id string, sources array<string>"),
        ignore_nullable=True,
    )
    assert not (warehouse.folder / "exports/crowd").exists()
    assert "crowd: skipped" in result.detail
    assert result.warnings == ("destination everyone: nothing sent, 2 is more than max_members",)
    assert_deliveries(
        warehouse,
        ("machine", 7, "all", "delivered", 1, 1, "run-7"),
        ("sheet", 7, "all", "delivered", 1, 1, "run-7"),
        ("anyone", 7, "all", "delivered", 2, 0, "run-7"),
        ("crowd", 7, "all", "skipped", 0, 2, "run-7"),
        ("nobody", 7, "empty", "delivered", 0, 0, "run-7"),
        ("everyone", 7, "all", "skipped", 0, 2, "run-7"),
        ("ads", 7, "all", "delivered", 1, 1, "run-7"),
    )


def test_members_of_an_excluded_segment_are_left_out(warehouse: Warehouse7) -> None:
    warehouse.fill(
        [profile("a", attributes={"tier": "=gold"}), profile("b", attributes={"other": "x"}), profile("c")],
        [consent("a@x.org", "granted"), consent("b@x.org", "granted"), consent("c@x.org", "denied")],
    )
    columns = ("unified_id", "attributes.tier")
    context = warehouse.context(
        destination("prospects", exclude=("buyers", "vips")),
        destination("all", columns=columns, spreadsheet_safe=True),
        destination("typed", columns=columns, kind="parquet"),
    )
    result = run(context)
    assert warehouse.text("prospects") == "email\nb@x.org\n"
    assert warehouse.text("all") == "unified_id,tier\na,'=gold\nb,\n"
    typed = warehouse.store.spark.read.parquet(str(warehouse.folder / "exports/typed/release=7"))
    assert typed.columns == ["unified_id", "tier"]
    assert [tuple(row) for row in typed.collect()] == [("a", "=gold"), ("b", None)]
    assert result.detail.startswith(
        "prospects: 1 profile, 1 withheld: no consent, 1 withheld: in an excluded segment; all: 2 profiles"
    )
    withheld = warehouse.store.fetch(
        DELIVERIES, ("destination", "withheld_by"), only={"destination": texts(["prospects"])}
    )
    assert withheld.to_pylist(maps_as_pydicts="strict") == [
        {"destination": "prospects", "withheld_by": {"consent": 1, "excluded": 1}}
    ]


def test_rows_have_columns_of_other_tables_and_say_by_which_segments_they_came(warehouse: Warehouse7) -> None:
    consents = [consent(f"{it}@x.org", "granted") for it in "abc"]
    acme = profile("acme", entity_type="account", company_name="Acme", attributes={"owner": "Kim"})
    warehouse.fill([profile("a", given_name="=Jo\n\U0001f600"), profile("b"), profile("c"), acme], [*consents])
    warehouse.write(TRAITS, ("a", "spend", "h", 12.5, None, None, None, AS_OF, None))
    warehouse.write(SCORES, ("a", "churn", 1, 0.25, 2, 3, {}, []), ("b", "other", 1, 0.5, 1, 1, {}, []))
    offer = ("p1", "Tea", "drinks", 0.5, "again", None, None, "Bought often")
    warehouse.write(OFFERS, ("a", 1, *offer), ("a", 2, "p2", *offer[1:]))
    warehouse.write(ACCOUNT_MEMBERS, ("a", "acme", "key", True, None, None, None, None, "r1", "r2", 1, None))
    warehouse.suppress("email", "c@x.org")
    columns = (
        *("unified_id", "trait.spend", "score.churn", "score.churn.tier", "offer.2.product_id", "offer.1.reason"),
        *("account.id", "account.company_name", "account.attributes.owner"),
        {"name": "greeting", "template": "Dear {given_name|you}: {score.churn}"},
    )
    rich = destination("rich", segment=None, segments=("buyers", "all"), columns=columns, file_name="rich.csv")
    result = run(warehouse.context(rich, destination("few", segment="vips", min_members=2)))
    folder = warehouse.folder / "exports/rich/release=7"
    assert (folder / "rich.csv").read_text() == (
        "unified_id,spend,score_churn,score_churn_tier,offer_2_product_id,offer_1_reason,account_id,"
        "account_company_name,account_attributes_owner,greeting,segments\n"
        'a,12.5,0.25,2,p2,Bought often,acme,Acme,Kim,"Dear =Jo\n\U0001f600: 0.25",all;buyers\n'
        "b,0.0,,,,,,,,,all\n"
    )
    assert [it.name for it in folder.glob("*.csv")] == ["rich.csv"]
    assert result.detail == (
        "rich: 2 profiles, 1 withheld: no consent, 1 withheld: on the suppression list; "
        "few: skipped, 1 withheld: fewer than min_members"
    )


def test_visitors_go_out_by_the_cookies_whose_consent_was_given(warehouse: Warehouse7) -> None:
    visitor: dict[str, Any] = {"entity_type": "visitor", "email": None, "emails": [], "consents": {}}
    warehouse.fill([profile(it, **visitor) for it in ("both", "denied", "silent", "without")], [])
    pairs = {"both": ["c1", "C2"], "denied": ["c3"], "silent": ["c4"]}
    cookies = [(it, cookie) for it, values in pairs.items() for cookie in values]
    warehouse.write(UNIFIED_IDS, *((cookie, "visitor", it) for it, cookie in cookies))
    rows = [(cookie, "visitor", "cookie_id", cookie, cookie, True, None, None) for _, cookie in cookies]
    warehouse.write(IDENTIFIERS, *rows, ("c4", "visitor", "cookie_id", "blocked", "h", False, "blocked", None))
    given = [consent("c2", "granted"), consent("c3", "denied"), consent("blocked", "granted")]
    warehouse.store.append(CONSENTS, CONSENTS.table(given), application=None)
    columns = ("unified_id", "identifiers.cookie_id")
    run(warehouse.context(destination("retarget", columns=columns, contact_point="cookie_id")))
    assert warehouse.text("retarget") == "unified_id,cookie_id\nboth,C2\n"


def test_who_is_held_out_by_chance_gets_no_campaign(warehouse: Warehouse7) -> None:
    names = ("a", "b", "c", "d", "e")
    warehouse.fill([profile(name) for name in names], [consent(f"{name}@x.org", "granted") for name in names])
    arms = {"a": "offer", "b": "other", "c": "control", "d": "offer"}
    warehouse.assign(
        *(("winter", name, arm) for name, arm in arms.items()),
        *(("hold_out", name, "control" if name in "de" else "treated") for name in names),
    )
    arm = ArmOfExperiment(name="winter", arm="offer")
    context = warehouse.context(
        destination("offer", experiment=arm),
        destination("everybody"),
        destination("invoice", ignore_hold_out=True),
    )
    project = context.project.model_copy(update={"experiments": WINTER})
    result = run(replace(context, project=project))
    assert {name: warehouse.text(name).split() for name in ("offer", "everybody", "invoice")} == {
        "offer": ["email", "a@x.org"],
        "everybody": ["email", "a@x.org", "b@x.org", "c@x.org"],
        "invoice": ["email", *(f"{name}@x.org" for name in names)],
    }
    assert result.detail == (
        "offer: 1 profile, 2 withheld: in a hold-out; everybody: 3 profiles, 2 withheld: in a hold-out; "
        "invoice: 5 profiles"
    )
    counts = {row.destination: row.withheld_by for row in warehouse.store.read(DELIVERIES).collect()}
    assert counts == {"offer": {"held_out": 2}, "everybody": {"held_out": 2}, "invoice": {}}

    over = replace(context, project=project, as_of=AS_OF + timedelta(days=1), run_id="run-8")
    late = run(over)
    assert warehouse.text("offer").split() == ["email"]
    assert late.warnings == (
        "destination offer: its experiment winter has ended, so it gets nobody; remove the destination, or its "
        "`experiment`",
    )


def test_accounts_need_no_purpose_and_refused_contact_points_stay_out(warehouse: Warehouse7) -> None:
    account = {"entity_type": "account", "consents": {"mail": "unknown"}}
    warehouse.fill(
        [
            profile("acme", **account, emails=["acme@x.org", "jo@x.org"], phone="+491", phones=["+491"]),
            profile("bolt", **account, email="jo@x.org", emails=["jo@x.org"]),
        ],
        [consent("jo@x.org", "withdrawn", purpose="ads"), consent("acme@x.org", "granted")],
    )
    columns = ("unified_id", "email", "emails", "phone")
    run(warehouse.context(destination("crm", columns=columns, purpose="none", contact_point="none")))
    assert warehouse.text("crm") == "unified_id,email,emails,phone\nacme,acme@x.org,acme@x.org,+491\nbolt,,,\n"


def test_one_destination_that_fails_does_not_stop_the_others(warehouse: Warehouse7) -> None:
    warehouse.fill([profile("a")], [consent("a@x.org", "granted")])
    blocked = warehouse.folder / "exports" / "blocked"
    blocked.parent.mkdir()
    blocked.write_text("a file where a folder should be")
    context = warehouse.context(destination("blocked"), destination("open"))
    with pytest.raises(
        StateError, match=r"destination blocked at .*release=7.* Fix: .*`cdp run --from activation --to activation`"
    ):
        run(context)
    assert warehouse.text("open") == "email\na@x.org\n"
    failed = ("blocked", 7, "all", "failed", 0, 0, "run-7")
    opened = ("open", 7, "all", "delivered", 1, 0, "run-7")
    assert_deliveries(warehouse, failed, opened)
    blocked.unlink()
    run(context)
    assert_deliveries(warehouse, failed, opened, ("blocked", 7, "all", "delivered", 1, 0, "run-7"))


def test_an_unchanged_export_is_copied_as_long_as_its_files_are_what_was_written(
    warehouse: Warehouse7, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.fill([profile("a")], [consent("a@x.org", "granted")])
    to = (destination("mailing"), destination("small", min_members=5))
    results = [run(warehouse.context(*to))]
    made: list[str] = []

    def build(*arguments: Any, **settings: Any) -> DataFrame:
        made.append(settings["destination"].name)
        return build_audience(*arguments, **settings)

    monkeypatch.setattr(reading, "build_audience", build)

    def night(ordinal: int, *destinations: FileDestination) -> str:
        last = LastFinish(ordinal - 1, {}, {}, results[-1].metrics)
        context = warehouse.context(*destinations, ordinal=ordinal, run_id=f"run-{ordinal}", last=last)
        made.clear()
        results.append(run(context))
        files = (warehouse.folder / "exports" / "mailing" / f"release={ordinal}").glob("part-*.csv")
        return "".join(file.read_text() for file in files)

    assert night(8, *to) == "email\na@x.org\n"
    assert made == []
    assert_deliveries(
        warehouse,
        *(("mailing", at, "all", "delivered", 1, 0, f"run-{at}") for at in (7, 8)),
        *(("small", at, "all", "skipped", 0, 1, f"run-{at}") for at in (7, 8)),
    )
    next((warehouse.folder / "exports" / "mailing" / "release=8").glob("part-*.csv")).write_text("email\n")
    assert night(9, *to) == "email\na@x.org\n"
    assert made == ["mailing"]
    assert night(10, destination("mailing", columns=("unified_id",)), to[1]) == "unified_id\na\n"
    assert made == ["mailing"]
    consents = [consent("a@x.org", "withdrawn", source="shop")]
    warehouse.store.append(CONSENTS, warehouse.store.spark.createDataFrame(consents, CONSENTS.schema), application="2")
    assert night(11, *to) == "email\n"
    assert sorted(made) == ["mailing", "small"]


def test_a_segment_that_could_not_be_evaluated_holds_the_destinations_that_use_it(warehouse: Warehouse7) -> None:
    warehouse.fill([profile("a")], [consent("a@x.org", "granted")])
    states = [("all", "ok", None), ("buyers", "failed", "not computed: trait.orders"), ("vips", "ok", None)]
    rows = [(name, "person", "", "h", AS_OF, status, reason, 1) for name, status, reason in states]
    versions = {SEGMENTS.name: warehouse.store.overwrite(SEGMENTS, SEGMENTS.table(rows))}
    context = warehouse.context(
        destination("mailing"), destination("shop", segment="buyers"), destination("rest", exclude=("buyers",))
    )

    result = run(replace(context, base_versions={**context.base_versions, **versions}))

    reason = "held, segment buyers could not be evaluated: not computed: trait.orders"
    assert f"shop: {reason}; rest: {reason}" in result.detail
    found = {row["destination"]: row["status"] for row in warehouse.deliveries().collect()}
    assert found == {"mailing": "delivered", "shop": "held", "rest": "held"}


def test_a_withdrawal_that_cannot_be_read_holds_all_exports_of_its_purpose(warehouse: Warehouse7) -> None:
    warehouse.fill([profile("a")], [consent("a@x.org", "granted")])
    issue = {"source": "preferences", "row_hash": "0123456789abcdef", "status": "open", "at_utc": AS_OF}
    issue |= {"given_at_utc": AS_OF, "purpose": "mail", "consent_status": "withdrawn", "alike": 0}
    line = tuple(issue.get(name) for name in WITHDRAWAL_ISSUES.schema.names)
    warehouse.store.append(WITHDRAWAL_ISSUES, WITHDRAWAL_ISSUES.table([line]), application=None)

    result = run(warehouse.context(destination("mailing"), destination("calls", purpose="sms")))

    assert "mailing: held, a withdrawal cannot be read: preferences:0123456789ab" in (result.detail or "")
    assert warehouse.text("mailing") == ""
    found = {row["destination"]: row["status"] for row in warehouse.deliveries().collect()}
    assert found == {"mailing": "held", "calls": "delivered"}
