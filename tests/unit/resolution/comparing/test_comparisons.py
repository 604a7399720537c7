"""Levels of each comparison method."""

import numpy as np
import pyarrow as pa
import pytest

from cdp_spark.config.match import Comparison
from cdp_spark.resolution.comparing.comparisons import compile_comparisons
from cdp_spark.resolution.comparing.similarity import Coded

_SWAPPED = "one of several, nickname or swapped"


def _level(method: str, left: str | None, right: str | None, **settings: object) -> str:
    comparison = Comparison.model_validate({"name": "x", "method": method, "columns": ("x",), **settings})
    (compiled,) = compile_comparisons((comparison,))
    columns = {"x": Coded(pa.array([left, right], pa.string()))}
    level = compiled.levels(columns, np.array([0]), np.array([1]), {})
    back = compiled.levels(columns, np.array([1]), np.array([0]), {})
    assert level[0] == back[0], "a comparison must not depend on the order of its two values"
    return str(compiled.level_names[level[0]])


@pytest.mark.parametrize(
    ("method", "left", "right", "expected"),
    [
        ("exact", "berlin", "berlin", "equal, rare"),
        ("exact", "berlin", "bonn", "different"),
        ("exact", None, "bonn", "missing"),
        ("exact", "", "bonn", "missing"),
        ("jaro_winkler", "martha", "marhta", "jaro_winkler ≥ 0.92"),
        ("levenshtein", "12345", "12354", "edits ≤ 1"),
        ("levenshtein", "12345", "99999", "different"),
        ("tokens", "acme trading company", "acme trading", "shared words ≥ 0.4"),
        ("set_overlap", "a\nb", "b\nc", "some in common"),
        ("set_overlap", "a\nb", "c", "different"),
        ("name", "bob", "robert", _SWAPPED),
        ("name", "j", "john", "initial"),
        ("name", "anna maria", "maria", _SWAPPED),
        ("name", "m jose", "maria jose", _SWAPPED),
        ("name", "garrido lozano", "garrido ruano", "partly another name"),
        ("name", "brandstroem", "brandstrom", "spelt otherwise"),
        ("name", "da silva teixeira", "silva teixeira", "spelt otherwise"),
        ("name", "王小明", "wang xiao ming", "spelt otherwise"),
        ("name", "дмитрии", "dmitry", "spelt otherwise"),
        ("name", "юлия", "julia", "spelt otherwise"),
        ("name", "егорова", "yegorova", "spelt otherwise"),
        ("name", "егорова", "petrova", "different"),
        ("name", "محمد", "mohammed", "jaro_winkler ≥ 0.75"),
        ("name", "محمد", "mahmoud", "different"),
        ("name", "محمود", "mahmoud", "jaro_winkler ≥ 0.75"),
        ("name", "محمود", "mohamed", "different"),
        ("name", "حسن", "hussein", "different"),
        ("name", "كريم", "karima", "different"),
        ("name", "فاطمة", "fatima", "jaro_winkler ≥ 0.75"),
        ("name", "כהן", "cohen", "jaro_winkler ≥ 0.75"),
        ("name", "דוד", "david", "jaro_winkler ≥ 0.75"),
        ("name", "jan", "jana", "partly another name"),
        ("name", "walter", "walther", "jaro_winkler ≥ 0.9"),
        ("company", "rehbein bau", "rehbein", "all words of one"),
        ("company", "kaffeebar 101", "kaffeebar 102", "another of the group"),
        ("company", "kaffeebar 101", "kaffeebar filiale 101", "all words of one"),
        ("company", "ромашка", "romashka", "spelt otherwise"),
        ("company", "muller", "mueller", "spelt otherwise"),
        ("company", "acme", "bolt", "different"),
        ("email", "jo.lee7@a.com", "jo.lee12@a.com", "another number"),
        ("email", "jo.lee1@a.com", "jo.lee2@a.com", "another number"),
        ("email", "jo.lee7@a.com", "jo.lee12@b.org", "different"),
        ("email", "jo.lee84@a.com", "jo.lee48@a.com", "different"),
        ("email", "jo.lee84@a.com", "jo.lee1984@a.com", "same local part or two edits"),
        ("email", "jo.lee@a.com", "jo.lee12@a.com", "same local part or two edits"),
        ("email", "gus@a.com", "gusjr@a.com", "different"),
        ("email", "ann.lee@a.com", "anne.lee@a.com", "same local part or two edits"),
        ("email", "annabel.lee@a.com", "annabel.lea.x@b.org", "local part alike"),
        ("email", "jo.lee@a.com", "jlee@b.org", "local part alike"),
        ("email", "lee_j@b.org", "jo.lee7@a.com", "local part alike"),
        ("email", "joanna.leeds4@a.com", "leedsjoanna@b.org", "local part alike"),
        ("email", "jo.lee7@a.com", "jlee12@b.org", "different"),
        ("email", "jo.lee@a.com", "jim.lee@b.org", "different"),
        ("email", "kaspar.corvin@a.com", "kaspar.frohwein@b.org", "different"),
        ("generation", "jr", "jr", "equal"),
        ("generation", "jr", "iii", "different"),
        ("generation", "jr", "", "only one has one"),
        ("name", "xavier", "ute", "different"),
        ("date", "19800503", "19800305", "one digit off or transposed"),
        ("date", "19800503", "19800504", "one digit off or transposed"),
        ("date", "19800503", "19800528", "two parts equal"),
        ("date", "19800503", "19801228", "same year"),
        ("date", "19800503", "19511228", "different"),
        ("date", "19800101", "19800101", "missing"),
        ("date", "19800101", "19900101", "one digit off or transposed"),
        ("email", "ann.lee@a.com", "ann.lee@b.org", "same local part or two edits"),
        ("email", "ann.lee@a.com", "zed@b.org", "different"),
        ("phone", "4915112345678", "015112345678", "one digit off or same last seven"),
        ("phone", "4930555070011", "4930555070012", "different"),
        ("phone", "4930555070011", "4930555070021", "different"),
        ("phone", "4930555070012", "4930555070021", "one digit off or same last seven"),
        ("phone", "4930555070011", "4930575070011", "one digit off or same last seven"),
        ("digits", "1234567", "1234576", "edits ≤ 1"),
        ("phonetic", "anna", "boris", "different"),
        ("phonetic", "stephen", "steven", "sounds alike"),
        ("phonetic", "42", "17", "different"),
        ("number", "1000", "1000.0", "within 0.01 of the larger"),
        ("number", "1000", "1050", "within 0.1 of the larger"),
        ("number", "-5", "5", "different"),
        ("number", "many", "5", "different"),
        ("number", "0", "0.0", "within 0.01 of the larger"),
        ("days", "20260228", "20260301", "within 1 days"),
        ("days", "20260101", "20260130", "within 31 days"),
        ("days", "20260101", "20280101", "different"),
        ("days", "20260230", "20260301", "different"),
        ("geo", "52.5200,13.4050", "52.5206,13.4050", "within 0.1 km"),
        ("geo", "0,179.999", "0,-179.999", "within 1 km"),
        ("geo", "52.52,13.40", "48.14,11.58", "different"),
        ("geo", "91,0", "52.52,13.40", "different"),
    ],
)
def test_level_of(method: str, left: str | None, right: str | None, expected: str) -> None:
    assert _level(method, left, right) == expected


def test_frequent_values_agree_on_a_level_of_their_own() -> None:
    (compiled,) = compile_comparisons((Comparison(name="x", method="exact", columns=("x",)),))
    columns = {"x": Coded(pa.array(["smith", "smith", "quux", "quux"]))}
    levels = compiled.levels(columns, np.array([0, 2]), np.array([1, 3]), {"x": {"smith": 0}})
    assert [compiled.level_names[level] for level in levels] == ["equal, common", "equal, rare"]


def test_dates_of_1_january_are_equal_where_no_decade_begins() -> None:
    assert [_level("date", day, day) for day in ("19830101", "19800102")] == ["equal, rare", "equal, rare"]


def test_a_place_may_be_two_columns() -> None:
    comparison = Comparison(name="x", method="geo", columns=("lat", "lon"))
    (compiled,) = compile_comparisons((comparison,))
    columns = {
        "lat": Coded(pa.array(["52.5200", "52.5206", "52.5200", "52.52"])),
        "lon": Coded(pa.array(["13.405", "13.405", "13.405", None])),
    }
    levels = compiled.levels(columns, np.array([0, 0, 0]), np.array([1, 2, 3]), {})
    assert [compiled.level_names[level] for level in levels] == ["within 0.1 km", "equal", "missing"]


def test_conditions_of_ones_own_grade_a_pair_whichever_record_comes_first() -> None:
    conditions = ("a_l = a_r AND b_l = b_r", "starts_with(a_l, a_r)")
    (compiled,) = compile_comparisons((Comparison(name="x", method="sql", columns=("a", "b"), conditions=conditions),))
    columns = {
        "a": Coded(pa.array(["acme", "acme", "acme gmbh", "bolt", "bolt"])),
        "b": Coded(pa.array(["york", "york", "york", "york", None])),
    }
    levels = compiled.levels(columns, np.array([0, 0, 2, 0, 3]), np.array([1, 2, 0, 3, 4]), {})
    assert [compiled.level_names[level] for level in levels] == [
        "a_l = a_r AND b_l = b_r",
        "starts_with(a_l, a_r)",
        "starts_with(a_l, a_r)",
        "different",
        "starts_with(a_l, a_r)",
    ]


def test_a_condition_that_is_null_where_none_holds_is_a_missing_value() -> None:
    (compiled,) = compile_comparisons((Comparison(name="x", method="sql", columns=("a",), conditions=("a_l = a_r",)),))
    levels = compiled.levels({"a": Coded(pa.array(["x", None]))}, np.array([0]), np.array([1]), {})
    assert compiled.level_names[levels[0]] == "missing"


def test_swapped_names_are_found() -> None:
    comparison = Comparison(name="given", method="name", columns=("given", "family"))
    (compiled,) = compile_comparisons((comparison,))
    columns = {
        "given": Coded(pa.array(["mark", "stone", None])),
        "family": Coded(pa.array(["stone", "mark", "mark"])),
    }
    levels = compiled.levels(columns, np.array([0, 0]), np.array([1, 2]), {})
    assert [compiled.level_names[level] for level in levels] == [
        _SWAPPED,
        _SWAPPED,
    ]


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        (("high street", "york", "yo1", "5"), "same street, same city or postcode"),
        (("high street", "york", "yo1", "6"), "alike street, same city or postcode"),
        (("high street", "leeds", "ls1", None), "same street elsewhere"),
        (("low road", "leeds", "yo1", None), "same postcode"),
        (("low road", "york", "zz9", None), "same city"),
        (("low road", "leeds", "zz9", None), "different"),
        ((None, "york", None, None), "same city or postcode, street unknown"),
        ((None, "leeds", "yo1", "5"), "same city or postcode, street unknown"),
        ((None, "leeds", None, None), "different"),
        ((None, None, None, "5"), "missing"),
    ],
)
def test_address_is_one_comparison(right: tuple[str | None, ...], expected: str) -> None:
    names = ("street", "city", "postcode", "house_number")
    (compiled,) = compile_comparisons((Comparison(name="address", method="address", columns=names),))
    left = ("high street", "york", "yo1", "5")
    columns = {name: Coded(pa.array([a, b], pa.string())) for name, a, b in zip(names, left, right, strict=True)}
    level = compiled.levels(columns, np.array([0]), np.array([1]), {})
    assert compiled.level_names[level[0]] == expected


def _names(*people: tuple[str | None, str | None]) -> list[str]:
    given = Comparison(name="x", method="name", columns=("given", "family"))
    (compiled,) = compile_comparisons((given,))
    columns = {
        name: Coded(pa.array([person[at] for person in people], pa.string()))
        for at, name in enumerate(("given", "family"))
    }
    levels = compiled.levels(columns, np.array([0]), np.array([1]), {})
    return [compiled.level_names[level] for level in levels]


def test_swapped_names_are_swapped_on_both_sides() -> None:
    """Of a family, the one whose names are swapped has the name of all the others for a given name."""
    assert _names(("lee", "anna"), ("anna", "lee")) == [_SWAPPED]
    assert _names(("lee", "anna"), ("oscar", "lee")) == ["different"]
    assert _names(("lee", None), ("oscar", "lee")) == [_SWAPPED]
    assert _names(("lee", "ana"), ("anna", "lee")) == [_SWAPPED], "with a mistake in one of them"
    assert _names(("lee", "a"), ("anna", "lee")) == [_SWAPPED]


def test_names_that_several_people_have_are_no_typing_errors() -> None:
    (compiled,) = compile_comparisons((Comparison(name="x", method="name", columns=("x",)),))
    columns = {"x": Coded(pa.array(["walter", "walther"]))}
    known = {"x": {"walter": 1, "walther": 1}}
    levels = [compiled.levels(columns, np.array([0]), np.array([1]), bins)[0] for bins in ({}, known)]
    assert [compiled.level_names[level] for level in levels] == ["jaro_winkler ≥ 0.9", "partly another name"]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("tomas", "thomas", "jaro_winkler ≥ 0.9"),
        ("catherine", "katherine", "jaro_winkler ≥ 0.9"),
        ("jan", "jana", "partly another name"),
        ("martin", "martina", "partly another name"),
        ("frances", "francis", "partly another name"),
    ],
)
def test_given_names_that_sound_the_same_are_one_name_spelt_twice(one: str, other: str, expected: str) -> None:
    (compiled,) = compile_comparisons((Comparison(name="x", method="name", columns=("x",)),))
    level = compiled.levels({"x": Coded(pa.array([one, other]))}, np.array([0]), np.array([1]), {})
    assert compiled.level_names[level[0]] == expected


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        (("khanh", "nguyen", "khanh nguyen thi minh"), _SWAPPED),
        (("minh", "tran", "minh tran"), "different"),
    ],
)
def test_a_whole_name_may_have_its_words_in_another_order(right: tuple[str, str, str], expected: str) -> None:
    names = ("given", "family", "whole")
    (compiled,) = compile_comparisons((Comparison(name="x", method="name", columns=names),))
    left = ("nguyen", "khanh le", "nguyen thi minh khanh")
    columns = {name: Coded(pa.array([a, b])) for name, a, b in zip(names, left, right, strict=True)}
    level = compiled.levels(columns, np.array([0]), np.array([1]), {})
    assert compiled.level_names[level[0]] == expected


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("Lang GmbH", "Lang GmbH & Co. KG", "another of the group"),
        ("Lang GmbH", "Lang", "equal, rare"),
        ("Lang GmbH", "Lang Gesellschaft mbH", "equal, rare"),
    ],
)
def test_another_legal_form_is_another_company(left: str, right: str, expected: str) -> None:
    (compiled,) = compile_comparisons((Comparison(name="x", method="company", columns=("core", "name")),))
    columns = {"core": Coded(pa.array(["lang", "lang"])), "name": Coded(pa.array([left, right]))}
    level = compiled.levels(columns, np.array([0]), np.array([1]), {})
    assert compiled.level_names[level[0]] == expected


def test_rare_words_in_common_count_more() -> None:
    (compiled,) = compile_comparisons((Comparison(name="x", method="tokens", columns=("x",)),))
    columns = {"x": Coded(pa.array(["sony camera black dsc-w55", "dsc-w55 by sony", "canon camera black a570"]))}
    words = {"words of x": {"camera": 1, "black": 1, "sony": 2, "by": 1}}
    levels = compiled.levels(columns, np.array([0, 0]), np.array([1, 2]), words)
    assert [compiled.level_names[level] for level in levels] == ["shared words ≥ 0.75", "different"]
    assert compiled.levels(columns, np.array([0]), np.array([1]), {}).tolist() == [2], "without weights: Jaccard, 0.4"
