"""`cdp why` on a narrow terminal."""

from __future__ import annotations

from cdp_spark.cli.display.output import Terminal
from cdp_spark.cli.display.pair import waterfall_table
from cdp_spark.explain.pairs.facts import Contribution, PairExplanation, RecordName, Surroundings

SIDES = (
    RecordName("k1", "shop_customers", "SC501586-2024", "person"),
    RecordName("k2", "marketing_automation", "M-000045877", "person"),
)
EVIDENCE = (
    Contribution("prior", "3 rules, averaged", (), (), -11.25, 1.0),
    Contribution(
        "family_name", "jaro_winkler ≥ 0.9, uncommon", ("Hoffmann-Castell",), ("Hofmann-Castell",), 104.5, 0.5
    ),
    Contribution("address", "alike street, same city or postcode", ("Mill Lane", "Leeds"), ("Mill Ln",), 6.77, 1.0),
)


def test_at_80_columns_texts_are_folded_and_numbers_are_whole() -> None:
    around = Surroundings(None, None, one_component=False, cut_reason=None, neighbours=(), neighbour_count=0, chain=())
    pair = PairExplanation(*SIDES, 1, 0.0, True, (), (), (), (), EVIDENCE, (), around)
    out = Terminal()
    out.width = 80
    with out.capture() as captured:
        out.print(waterfall_table(pair, bar_width=12))
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= 80
    words = captured.get().split()
    assert {"counted", "bits", "-11.25", "+104.50", "+6.77", "50%", "+100.02"} <= {*words}
