"""Models to Splink and back; the SQL beside our own levels."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from cdp_spark.config.match import BlockingKey, BlockingRule, Comparison, EntityMatch
from cdp_spark.errors import ConfigError
from cdp_spark.resolution.comparing.comparisons import compile_comparisons
from cdp_spark.resolution.kernel import compare_pairs
from cdp_spark.resolution.learning.fitting import forced_comparisons
from cdp_spark.resolution.learning.parameters import Parameters, Related
from cdp_spark.resolution.model import MatchModel
from cdp_spark.resolution.splink.export import splink_settings
from cdp_spark.resolution.splink.levels import sql_levels
from cdp_spark.resolution.splink.read import model_from_splink, read_splink

COMPARISONS = (
    Comparison(name="given", method="jaro_winkler", columns=("given_name",), thresholds=(0.9, 0.7)),
    Comparison(name="family", method="levenshtein", columns=("family_name",), term_frequency=False),
    Comparison(name="born", method="date", columns=("birth_date",), term_frequency=False),
    Comparison(name="mail", method="email", columns=("email",), term_frequency=False),
    Comparison(name="phone", method="phone", columns=("phone",), term_frequency=False),
    Comparison(name="home", method="address", columns=("street", "city", "postcode", "house_number")),
    Comparison(name="number", method="digits", columns=("national_id",), term_frequency=False),
    Comparison(name="sex", method="exact", columns=("gender",), term_frequency=False),
    Comparison(
        name="own",
        method="sql",
        columns=("given_name", "family_name"),
        conditions=(
            "given_name_l = family_name_r AND family_name_l = given_name_r",
            "given_name_l[1] = given_name_r[1]",
        ),
    ),
)
RULES = (
    BlockingRule(name="mail", keys=(BlockingKey(column="email"),)),
    BlockingRule(
        name="names",
        keys=(BlockingKey(column="given_name", transform="prefix", length=3), BlockingKey(column="family_name")),
    ),
)
MATCH = EntityMatch(blocking=RULES, comparisons=COMPARISONS)


def model_of(match: EntityMatch) -> MatchModel:
    drawn = np.random.default_rng(3)

    def side() -> tuple[np.ndarray, ...]:
        shares = [drawn.dirichlet(np.ones(len(it.level_names) - 1)) for it in compile_comparisons(match.comparisons)]
        return tuple(np.concatenate([[1.0], np.clip(share, 0.01, 1)]) for share in shares)

    def normal(sides: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
        return tuple(np.concatenate([[1.0], it[1:] / it[1:].sum()]) for it in sides)

    forced = forced_comparisons(match.blocking, match.comparisons)
    parameters = Parameters(np.array([0.9, 0.2]), normal(side()), normal(side()), -1.0, 5, converged=True)
    names = tuple(rule.name for rule in match.blocking)
    return MatchModel(match, names, forced, parameters, {"given_name": {"anna": 0}}, (7,))


MODEL = model_of(MATCH)


def test_splink_loads_and_applies_the_settings() -> None:
    splink = pytest.importorskip("splink", reason="in the group `benchmarks`")
    pandas = pytest.importorskip("pandas")
    columns = sorted({column for it in COMPARISONS for column in it.columns})
    rows = [{"record_key": f"r{number}", **dict.fromkeys(columns, f"value {number // 2}")} for number in range(6)]
    settings = splink_settings(MODEL, random_match_share=0.01)
    linker = splink.Linker(splink.DuckDBAPI().register(pandas.DataFrame(rows)), settings, log_level=None)
    pairs = linker.inference.predict().as_pandas_dataframe()
    assert sorted(zip(pairs["record_key_l"], pairs["record_key_r"], strict=True)) == [
        ("r0", "r1"),
        ("r2", "r3"),
        ("r4", "r5"),
    ]
    written = json.loads(json.dumps(settings))
    again = linker.misc.save_model_to_json()
    given = [level.get("m_probability") for it in written["comparisons"] for level in it["comparison_levels"]]
    kept = [level.get("m_probability") for it in again["comparisons"] for level in it["comparison_levels"]]
    assert kept == pytest.approx(given)


def test_the_sql_levels_are_ours() -> None:
    records = [_record(random.Random(seed)) for seed in range(120)]
    left, right = np.triu_indices(len(records), k=1)
    ours = compare_pairs(pa.Table.from_pylist(records), left, right, compile_comparisons(COMPARISONS), {})
    people = pa.Table.from_pylist([{"at": at, **record} for at, record in enumerate(records)])
    names = sorted(records[0])
    sides = ", ".join(f'{side}."{name}" AS "{name}_{side}"' for name in names for side in "lr")
    cases = ", ".join(_case(comparison) for comparison in COMPARISONS)
    query = f"SELECT {cases} FROM (SELECT l.at AS x, r.at AS y, {sides} FROM people l JOIN people r ON l.at < r.at)"
    theirs = np.array(duckdb.execute(f"{query} ORDER BY x, y").fetchall())
    assert people.num_rows == len(records)
    for index, comparison in enumerate(COMPARISONS):
        merged = {number: level.levels[0] for level in sql_levels(comparison) or () for number in level.levels}
        expected = np.array([merged.get(level, level) for level in ours[:, index]])
        assert (theirs[:, index] == expected).all(), comparison.name
        assert len(set(expected)) > 1, comparison.name


def _case(comparison: Comparison) -> str:
    whens = []
    for level in sql_levels(comparison) or ():
        number = level.levels[0] if level.levels else 0
        whens.append(f"ELSE {number}" if level.condition == "ELSE" else f"WHEN {level.condition} THEN {number}")
    return f"CASE {' '.join(whens)} END"


def _record(drawn: random.Random) -> dict[str, str | None]:
    def some(*values: str | None) -> str | None:
        return drawn.choice(values)

    return {
        "given_name": some("anna", "anne", "hanna", "bob", "bobby", None),
        "family_name": some("weber", "weaber", "ewber", "lang", None),
        "birth_date": some("19800102", "19800201", "19800103", "19810102", "19790513", "19800513", "19800101", None),
        "email": some(
            "anna@x.example",
            "anna@y.example",
            "ana@x.example",
            "annab@z.example",
            "anna7@x.example",
            "anna8@x.example",
            "anna.weber@x.example",
            "anna.lang2@y.example",
            "aweber@y.example",
            "weberanna7@z.example",
            None,
        ),
        "phone": some("49301234567", "301234567", "49301234568", "49301234576", "4989999999", None),
        "street": some("high st", "high str", "low road", None),
        "city": some("leeds", "ulm", None),
        "postcode": some("11111", "22222", None),
        "house_number": some("1", "2", None),
        "national_id": some("abc123", "abc124", "abd134", "zzz999", None),
        "gender": some("f", "m", None),
    }


def test_there_and_back_again() -> None:
    settings = json.loads(json.dumps(splink_settings(MODEL, random_match_share=0.001)))
    again = model_from_splink(settings, MATCH, current=MODEL, where="model.json")
    for got, want in zip(
        (*again.parameters.m, *again.parameters.u), (*MODEL.parameters.m, *MODEL.parameters.u), strict=True
    ):
        assert got == pytest.approx(want)
    assert (again.frequencies, again.purged_keys, again.rule_names) == (
        {"given_name": {"anna": 0}},
        (7,),
        ("mail", "names"),
    )
    m, u = MODEL.parameters.m[3], MODEL.parameters.u[3]
    odds = 0.001 / 0.999 * m[5] / u[5]
    assert again.parameters.prior[0] == pytest.approx(odds / (1 + odds))


def test_what_sql_cannot_say_is_refused_or_left_out() -> None:
    phonetic = BlockingRule(name="sound", keys=(BlockingKey(column="family_name", transform="phonetic"),))
    name = Comparison(name="name", method="name", columns=("given_name", "family_name"))
    match = EntityMatch(blocking=(RULES[0], phonetic), comparisons=(name, COMPARISONS[7]))
    model = model_of(match)
    with pytest.raises(ConfigError, match=r"comparison name \(name\); rule sound \(phonetic\)"):
        splink_settings(model, random_match_share=0.01)
    settings = splink_settings(model, random_match_share=0.01, leave_out=True)
    assert [it["output_column_name"] for it in settings["comparisons"]] == ["sex"]
    assert [it["blocking_rule"] for it in settings["blocking_rules_to_generate_predictions"]] == [
        '(l."email" = r."email")'
    ]


def test_related_people_are_refused_or_left_out() -> None:
    related = Related(np.array([0.1, 0.1]), MODEL.parameters.u)
    model = replace(MODEL, parameters=replace(MODEL.parameters, related=related))
    with pytest.raises(ConfigError, match="the class of related people"):
        splink_settings(model, random_match_share=0.01)
    left_out = splink_settings(model, random_match_share=0.01, leave_out=True)
    assert left_out == splink_settings(MODEL, random_match_share=0.01)


def _changed(change: Any) -> dict[str, Any]:
    settings = json.loads(json.dumps(splink_settings(MODEL, random_match_share=0.001)))
    change(settings)
    return dict(settings)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda it: it["comparisons"].pop(1), "no comparison family"),
        (lambda it: it["comparisons"][1].update(output_column_name="x"), "comparison x, which match.yaml lacks"),
        (lambda it: it["comparisons"][1]["comparison_levels"][2].pop("m_probability"), "no m_probability of the level"),
        (
            lambda it: it["comparisons"][1]["comparison_levels"][2].update(sql_condition="jaccard(a, b) > 0.5"),
            "comparison family: the level jaccard",
        ),
        (lambda it: it.pop("probability_two_random_records_match"), "no probability_two_random_records_match"),
    ],
)
def test_another_model_is_refused_with_what_differs(change: Any, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        model_from_splink(_changed(change), MATCH, current=MODEL, where="model.json")


def test_common_values_need_a_fitted_model() -> None:
    settings = splink_settings(MODEL, random_match_share=0.001)
    other = replace(MODEL, match=EntityMatch(blocking=RULES, comparisons=COMPARISONS[:2]))
    for current in (None, other):
        with pytest.raises(ConfigError, match="comparison given: how common values part is unknown"):
            model_from_splink(settings, MATCH, current=current, where="model.json")


@pytest.mark.parametrize(("text", "told"), [(None, "no such file"), ("{", "no JSON"), ("[]", "without `comparisons`")])
def test_a_file_that_is_no_model(tmp_path: Path, text: str | None, told: str) -> None:
    path = tmp_path / "model.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=told):
        read_splink(path)
