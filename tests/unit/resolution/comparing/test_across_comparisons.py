"""Levels of a comparison that depend on the other ones: namesakes' mailboxes, organisations among people."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from cdp_spark.config.match import Comparison
from cdp_spark.resolution.comparing.common_names import usual_shares
from cdp_spark.resolution.comparing.comparisons import compile_comparisons
from cdp_spark.resolution.comparing.namesakes import only_spells
from cdp_spark.resolution.comparing.organisations import is_organisation
from cdp_spark.resolution.kernel import compare_pairs
from cdp_spark.resolution.learning.sample import Sample

_COMPARISONS = (
    Comparison(name="given", method="name", columns=("given_name", "family_name")),
    Comparison(name="family", method="name", columns=("family_name", "given_name")),
    Comparison(name="email", method="email", columns=("email",)),
)
_Row = tuple[str | None, str | None, str | None]
_STRANGERS: tuple[_Row, ...] = tuple((f"given{at}", f"family{at}", f"box{at}@x.com") for at in range(10))
_ALIKE = "local part alike"


def _levels(one: _Row, other: _Row, beside: Sequence[_Row] = _STRANGERS) -> list[str]:
    """Name the levels of two records in a file of twelve."""
    columns = zip(one, other, *beside, strict=True)
    features = pa.table(
        {
            name: pa.array(values, pa.string())
            for name, values in zip(("given_name", "family_name", "email"), columns, strict=True)
        }
    )
    compiled, frequencies = compile_comparisons(_COMPARISONS), Sample(features).frequencies(_COMPARISONS)
    ends = np.array([0]), np.array([1])
    levels = compare_pairs(features, *ends, compiled, frequencies)
    assert (levels == compare_pairs(features, *ends[::-1], compiled, frequencies)).all()
    return [item.level_names[level] for item, level in zip(compiled, levels[0], strict=True)]


def test_a_name_that_many_bear_is_common_in_a_file_of_twelve() -> None:
    common = ("john", "smith", None)
    rare = ("ottokar", "prohazinski", None)
    assert _levels(common, common) == ["equal, common", "equal, common", "missing"]
    assert _levels(rare, rare) == ["equal, uncommon", "equal, uncommon", "missing"]


def test_a_larger_files_own_counts_outweigh_what_is_known_of_names() -> None:
    names = ["john", *(f"given{at}" for at in range(2999))]
    features = pa.table({"given_name": names, "family_name": names})
    assert Sample(features).frequencies(_COMPARISONS[:2])["given_name"].get("john") is None


@pytest.mark.parametrize(
    ("name", "one", "other", "expected"),
    [
        (("john", "smith"), "john.smith@gmail.com", "jsmith@yahoo.com", "different"),
        (("john", "smith"), "john.smith@gmail.com", "smith_john84@yahoo.com", "different"),
        (("john", "smith"), "john.smith@gmail.com", "john.smith@yahoo.com", "different"),
        (("thomas", "muller"), "thomas.mueller@gmx.de", "t.mueller@web.de", "different"),
        (("john", "smith"), "john.smith@gmail.com", "john.smith@gmail.com", "equal, uncommon"),
        (("john", "smith"), "smith.hardware@a.com", "smith.hardware@b.com", "same local part or two edits"),
        (("john", "prohazinski"), "john.prohazinski@a.com", "jprohazinski@b.com", _ALIKE),
        (("ottokar", "prohazinski"), "ottokar.prohazinski@a.com", "oprohazinski@b.com", _ALIKE),
    ],
)
def test_mailboxes_that_only_spell_a_common_name_are_different_ones(
    name: tuple[str, str], one: str, other: str, expected: str
) -> None:
    assert _levels((*name, one), (*name, other))[2] == expected


def test_mailboxes_stay_alike_where_a_name_is_common_in_the_file_alone() -> None:
    people: list[_Row] = [("hilmar", "pflug", f"box{at}@x.com") for at in range(10)]
    one, other = ("hilmar", "pflug", "hilmar.pflug@a.com"), ("hilmar", "pflug", "hpflug@b.com")
    assert _levels(one, other, beside=people) == ["equal, common", "equal, common", _ALIKE]


def test_a_mailbox_spells_a_name_whole_or_by_an_initial() -> None:
    spelt = ["anna.lee@x.com", "lee-anna@x.com", "alee@x.com", "annal7@x.com", "lee1984@x.com", "a.l.e.e@x.com"]
    assert [only_spells(address, "anna", "lee") for address in spelt] == [True] * 6
    assert [only_spells(it, "anna", "lee") for it in ("anna.b.lee@x.com", "b.lee@x.com", "info@x.com")] == [False] * 3


@pytest.mark.parametrize(
    ("organisation", "person"),
    [
        ((None, "meyer foundation", None), ("robert", "meyer", None)),
        (("the meyer", "foundation", None), ("robert", "meyer", None)),
        ((None, "praxis dr weber", None), ("klaus", "weber", None)),
        ((None, "muller gmbh", None), ("sabine", "muller", None)),
        ((None, "muller gmbh", None), (None, "muller", None)),
    ],
)
def test_an_organisation_is_no_person(organisation: _Row, person: _Row) -> None:
    assert _levels(organisation, person) == ["different", "different", "missing"]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((None, "muller gmbh", None), (None, "mueller gmbh", None), ["missing", "spelt otherwise"]),
        (
            (None, "praxis dr weber", None),
            ("praxis", "weber", None),
            ["missing", "one of several, nickname or swapped"],
        ),
        ((None, "muller gmbh", None), (None, "muller ag", None), ["different", "different"]),
        ((None, "sparkasse bonn", None), (None, "sparkasse ulm", None), ["missing", "partly another name"]),
        ((None, "meyer foundation", None), (None, "kruse consulting", None), ["different", "different"]),
    ],
)
def test_two_organisations_are_compared_as_companies_are(one: _Row, other: _Row, expected: list[str]) -> None:
    assert _levels(one, other)[:2] == expected


def test_words_that_people_are_called_by_tell_no_organisation() -> None:
    people = ["charlotte church", "maria sa", "jo bank", "kim se", "anna und peter muller", "the anh", "house"]
    assert [name for name in people if is_organisation(name)] == []


def test_no_name_that_many_bear_is_taken_for_an_organisation() -> None:
    names = [name for column in ("given_name", "family_name") for name in usual_shares(column)]
    assert len(names) > 800
    assert [name for name in names if is_organisation(name)] == []
    assert all(
        0.004 <= share < 0.5 for column in ("given_name", "family_name") for share in usual_shares(column).values()
    )


def test_what_many_in_the_file_are_called_is_as_common_as_the_file_says() -> None:
    names = ["nguyen"] * 10 + [f"family{at}" for at in range(10)]
    features = pa.table({"given_name": names, "family_name": names})
    shares, shared = Sample(features).bin_shares(_COMPARISONS[1])
    assert shares.tolist() == [0.5, 0.0, 0.5]
    assert shared.tolist() == [0.5, 0.0, 0.0]


def test_of_few_bearers_in_a_file_what_is_known_before_tells_how_common_a_name_is() -> None:
    names = ["smith"] * 2 + [f"family{at}" for at in range(10)]
    features = pa.table({"given_name": names, "family_name": names})
    shared = Sample(features).bin_shares(_COMPARISONS[1])[1]
    assert shared.tolist() == pytest.approx([(1 + 50 * 0.012) / (12 + 50), 0.0, 0.0])
