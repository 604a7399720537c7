"""The report as HTML, from figures made by hand."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path

from cdp_spark.report import Accuracy, ReportData, render_report, write_report
from cdp_spark.report.behaviour import read_funnels, read_retention
from cdp_spark.report.data import (
    Change,
    ComparisonWeight,
    Count,
    EntityCount,
    ExportFact,
    FieldQuality,
    SegmentFact,
    SourceFlow,
    SourceQuality,
    StageFact,
    UnreadValues,
    WeightBin,
)
from cdp_spark.report.experiments import LiftFact, read_experiments
from cdp_spark.report.flows import add_flows
from cdp_spark.tables.catalog import EXPERIMENT_RESULTS, FUNNELS, RETENTION

CRM = SourceFlow(
    "<b>crm</b>",
    12_345,
    new=300,
    unchanged=11_900,
    duplicate=93,
    rejected=45,
    suppressed=7,
    reasons=(Count("too_few_columns", 40), Count("key_missing", 5)),
)
EMPTY = ReportData("20260201T020000Z-1", 1, datetime(2026, 2, 1, 2, tzinfo=UTC), ())
FULL = ReportData(
    run_id="20260202T020000Z-2",
    release=2,
    as_of=datetime(2026, 2, 2, 2, tzinfo=UTC),
    stages=(StageFact("ingest", 3.0, "2 sources"), StageFact("matching", 9.0)),
    warnings=("source <b>crm</b>: 1 file is not read",),
    sources=(CRM,),
    all_sources=add_flows((CRM,)),
    unread_values=(UnreadValues("crm", "phone", 17, (Count("too_short", 16), Count("letters", 1))),),
    source_quality=(SourceQuality("crm", 5_555, 1.25, 12_345, 0.5, 0.003),),
    field_quality=(FieldQuality("crm", "email", 0.6, 0.75, None, 0.9),),
    weights=(WeightBin(-4, 98_765), WeightBin(-2, 0), WeightBin(0, 4_321)),
    entities=(EntityCount("person", 11_111, 4_444, (Count("1", 2_222), Count("6–10", 3))),),
    segments=(SegmentFact("gold & reachable", 777, 66, 5),),
    exports=(ExportFact("newsletter", "gold & reachable", "delivered", 700, 77, "/exports/<x>"),),
    id_changes=(Count("merged (new record)", 31),),
    accuracy=(Accuracy("person", 1_000, 0, 400, 410, 800, 1_000, 600),),
    changes=(Change("profiles: person", 4_400, 4_444), Change("members of <vip>", 9, 9)),
    comparisons=(ComparisonWeight("person", 3, "birth_date", "equal", 11.25, "different", -4.5),),
)


FUNNEL = {"(all)": (120, 30), "<b>": (100, 30), "FR": (20, 0)}


class Elements(HTMLParser):
    """Open elements that were never closed, and everything that would be fetched."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str | None] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for name, value in attrs if name in {"src", "href", "srcset", "action", "data"}]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def test_every_figure_is_shown() -> None:
    text = text_of(render_report(FULL))
    for figure in ("12,345", "too_few_columns 40, key_missing 5", "98,765", "4,321", "11,111", "2,222", "777", "31"):
        assert figure in text, figure
    assert "delivered = new + unchanged + duplicate + rejected + suppressed" in text
    assert "all sources 12,345 300 11,900 93 45 7" in text
    assert "crm phone 17 too_short 16, letters 1" in text
    assert "source &lt;b&gt;crm&lt;/b&gt;: 1 file is not read" in text
    assert "person 1,000 400 410 0.6000 0.7500 0.6667" in text
    assert "crm 5,555 1.2 12,345 50.0% 0.3%" in text
    assert "crm email 60.0% -30.0 75.0%" in text
    assert "profiles: person 4,400 4,444 +44" in text
    assert "members of &lt;vip&gt; 9 9 0" in text
    assert "person 3 birth_date equal +11.2 different -4.5" in text
    assert "newsletter gold &amp; reachable delivered 700 77" in text
    assert "ingest 3.0 25.0%" in text
    assert "Run of 2 Feb 2026, 02:00 UTC (release 2)" in text


def test_funnels_and_cohorts_are_shown_with_their_shares() -> None:
    steps = [(value, step, number) for value, counts in FUNNEL.items() for step, number in enumerate(counts, start=1)]
    funnels = FUNNELS.table([("buying", value, step, f"<step {step}>", number) for value, step, number in steps])
    cohorts = [date(2026, month, 1) for month in (1, 2)]
    cells = [(cohorts[0], 0, 40), (cohorts[0], 1, 10), (cohorts[1], 0, 8)]
    rows = [("buyers", cohort, period, 40 if cohort.month == 1 else 8, came, 0) for cohort, period, came in cells]
    data = replace(FULL, funnels=read_funnels(funnels), retention=read_retention(RETENTION.table(rows)))
    html = render_report(data)
    text = text_of(html)
    assert "&lt;step 1&gt; 120 100.0% &lt;step 2&gt; 30 25.0% 25.0%" in text
    assert "&lt;b&gt; 100 30 30.0% FR 20 0 0.0%" in text
    assert "cohort profiles 0 1 2026-01-01 40 100% 25% 2026-02-01 8 100%" in text
    assert Elements(html).open == []
    assert Elements(html).links == []


def test_experiments_are_shown_with_the_lift_and_its_interval() -> None:
    nothing = dict.fromkeys(EXPERIMENT_RESULTS.schema.names)
    common = nothing | {"experiment": "<offer>", "kind": "rate", "is_final": False, "people_done": 0, "units": 0}
    common |= {"expected_units": 0.0, "converted": 0, "outcome": 0.0, "sample_ratio_p": 1e-6}
    lift = {"lift": 0.25, "lift_low": -0.1, "lift_high": 0.9}
    rows = [
        common | {"arm": "b", "people": 40, "mean": 0.25, "status": "measured", **lift},
        common | {"arm": "control", "people": 1_000, "mean": 0.2, "status": "control"},
        common | {"arm": "a", "people": 0, "status": "too_few"},
    ]
    facts = read_experiments(EXPERIMENT_RESULTS.table([list(row.values()) for row in rows]))
    assert [(it.name, it.lift) for it in facts[0].arms] == [
        ("control", None),
        ("a", None),
        ("b", LiftFact(0.25, -0.1, 0.9, at=35.0, left=0.0, right=100.0)),
    ]
    assert facts[0].zero == 10.0
    html = render_report(replace(FULL, experiments=facts))
    text = text_of(html)
    assert "&lt;offer&gt; Warning: the arms are not as large as their shares." in text
    assert "So far: the experiment or somebody's window is not over." in text
    assert "control 1,000 20.0% a 0 too few outcomes b 40 25.0% +25.0% -10.0% +90.0%" in text
    assert Elements(html).open == []


def test_many_values_of_a_funnel_are_cut() -> None:
    values = [("f", f"v{number:02}", 1, "s", number) for number in range(1, 15)]
    [fact] = read_funnels(FUNNELS.table([("f", "(all)", 1, "s", 105), *values]))
    assert (fact.values[0], fact.values[-1], fact.more_values) == (("v14", (14,)), ("v03", (3,)), 2)


def test_names_are_escaped_and_elements_closed() -> None:
    html = render_report(FULL)
    assert "<b>crm" not in html
    assert "&lt;b&gt;crm&lt;/b&gt;" in html
    assert "/exports/<x>" not in html
    assert Elements(html).open == []


def test_nothing_is_fetched() -> None:
    html = render_report(FULL)
    assert Elements(html).links == []
    assert "://" not in html
    assert "url(" not in html
    assert "<script" not in html


def test_a_run_without_figures_says_so() -> None:
    text = text_of(render_report(EMPTY))
    for sentence in (
        "No source was read",
        "Every value could be used",
        "No pair was scored",
        "No profiles yet",
        "Nothing was exported",
        "No record's ID changed",
    ):
        assert sentence in text
    assert "Accuracy" not in text
    assert "Warnings" not in text
    assert Elements(render_report(EMPTY)).open == []


def test_the_file_bears_the_run(tmp_path: Path) -> None:
    path = write_report(FULL, tmp_path / "report")
    assert path.name == "20260202T020000Z-2.html"
    assert path.read_text(encoding="utf-8") == render_report(FULL)


def test_visitors_are_no_source_records() -> None:
    visitors = EntityCount("visitor", 80, 15, (Count("1", 15),))
    counts = {it.label: it.count for it in replace(FULL, entities=(*FULL.entities, visitors)).funnel}
    assert (counts["current source records"], counts["profiles: visitor"]) == (11_111, 15)


def test_the_funnel_goes_from_rows_to_profiles() -> None:
    assert [(it.label, it.count) for it in FULL.funnel] == [
        ("rows delivered", 12_345),
        ("rows accepted", 12_293),
        ("current source records", 11_111),
        ("pairs compared", 103_086),
        ("profiles: person", 4_444),
    ]
