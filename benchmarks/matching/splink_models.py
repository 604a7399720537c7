"""Splink's settings for each data set: those of its own examples, where it has one for the set's columns.

febrl3 and historical_50k are as in docs/demos/examples/duckdb/febrl3 and deduplicate_50k_synthetic of Splink 5,
fake_20000 as in accuracy_analysis_from_labels_column, whose set of 1,000 has the same columns. febrl1, febrl2 and
febrl4 have febrl3's columns, so its settings, too. rldata10000 and generated people have the comparisons that the
documentation recommends, people the blocking rules of `benchmarks/project/match.yaml`, as far as Splink can express
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import splink.comparison_library as cl
from splink import SettingsCreator, block_on

if TYPE_CHECKING:
    from collections.abc import Callable

Rule = str | tuple[str, ...]
"""A condition in SQL, or the columns that must be equal."""


@dataclass(frozen=True)
class Model:
    """What Splink is told about a data set.

    Args:
        unique_id: the column that names a record.
        comparisons: of a backend, `duckdb` or `spark`, as formats of dates differ.
        blocking: pairs that satisfy one of these are scored.
        certain: pairs that satisfy one of these are matches, for the share of matches among all pairs.
        recall: share of the matches that `certain` finds.
        training: one run of EM each, on the pairs that agree on these.
        sampled_pairs: random pairs that agreement by chance is estimated on.
        seed: of that sample.
        frequencies_in_training: whether EM knows the frequencies of values.
        added: columns in SQL that the comparisons need besides the records' own.
    """

    unique_id: str
    comparisons: Callable[[str], list[Any]]
    blocking: tuple[Rule, ...]
    certain: tuple[Rule, ...]
    recall: float
    training: tuple[tuple[str, ...], ...]
    sampled_pairs: float
    seed: int = 1
    frequencies_in_training: bool = True
    added: tuple[str, ...] = ()

    def settings(self, backend: str) -> SettingsCreator:
        """The model before training."""
        return SettingsCreator(
            link_type="dedupe_only",
            unique_id_column_name=self.unique_id,
            blocking_rules_to_generate_predictions=[as_rule(rule) for rule in self.blocking],
            comparisons=self.comparisons(backend),
            retain_intermediate_calculation_columns=False,
            retain_matching_columns=False,
        )


def as_rule(rule: Rule) -> Any:  # noqa: ANN401 - Splink is not typed here
    """A rule as Splink takes it."""
    return rule if isinstance(rule, str) else block_on(*rule)


def _weighted(name: str) -> Any:  # noqa: ANN401
    return cl.ExactMatch(name).configure(term_frequency_adjustments=True)


def _people(_backend: str) -> list[Any]:
    return [
        cl.NameComparison("given_name").configure(term_frequency_adjustments=True),
        cl.NameComparison("family_name").configure(term_frequency_adjustments=True),
        cl.DateOfBirthComparison("birth_date", input_is_string=False),
        cl.EmailComparison("email").configure(term_frequency_adjustments=True),
        cl.JaroWinklerAtThresholds("street", [0.92, 0.8]),
        *map(_weighted, ("phone", "city", "postcode")),
    ]


def _febrl3(backend: str) -> list[Any]:
    day = "%Y%m%d" if backend == "duckdb" else "yyyyMMdd"
    return [
        cl.NameComparison("given_name"),
        cl.NameComparison("surname"),
        cl.DateOfBirthComparison("date_of_birth", input_is_string=True, datetime_format=day),
        cl.DamerauLevenshteinAtThresholds("soc_sec_id", [2]),
        *map(_weighted, ("street_number", "postcode")),
    ]


def _historical(_backend: str) -> list[Any]:
    return [
        cl.ForenameSurnameComparison(
            "first_name", "surname", forename_surname_concat_col_name="first_name_surname_concat"
        ),
        cl.DateOfBirthComparison("dob", input_is_string=True),
        cl.PostcodeComparison("postcode_fake"),
        *map(_weighted, ("birth_place", "occupation")),
    ]


def _fake(_backend: str) -> list[Any]:
    return [
        cl.ForenameSurnameComparison("first_name", "surname"),
        cl.DateOfBirthComparison("dob", input_is_string=True),
        _weighted("city"),
        cl.EmailComparison("email"),
    ]


def _rldata(_backend: str) -> list[Any]:
    names = (cl.NameComparison(name).configure(term_frequency_adjustments=True) for name in ("fname_c1", "lname_c1"))
    return [*names, *map(cl.ExactMatch, ("by", "bm", "bd"))]


MODELS = {
    "people": Model(
        unique_id="source_record_id",
        comparisons=_people,
        blocking=(
            ("email",),
            ("phone",),
            ("substr(given_name, 1, 3)", "family_name"),
            ("given_name", "birth_date"),
            ("family_name", "birth_date"),
            ("given_name", "postcode"),
            ("substr(given_name, 1, 1)", "family_name", "postcode"),
        ),
        certain=(("email", "birth_date"), ("given_name", "family_name", "birth_date")),
        recall=0.7,
        training=(("given_name", "family_name"), ("birth_date",), ("postcode", "house_number")),
        sampled_pairs=5e6,
    ),
    "febrl3": Model(
        unique_id="record_id",
        comparisons=_febrl3,
        blocking=(("soc_sec_id",), ("given_name",), ("surname",), ("date_of_birth",), ("postcode",)),
        certain=(
            ("soc_sec_id",),
            ("given_name", "surname", "date_of_birth"),
            "l.given_name = r.surname and l.surname = r.given_name and l.date_of_birth = r.date_of_birth",
        ),
        recall=0.9,
        training=(("date_of_birth",), ("postcode",)),
        sampled_pairs=1e6,
        seed=2,
    ),
    "historical_50k": Model(
        unique_id="record_id",
        comparisons=_historical,
        blocking=(
            ("substr(first_name,1,3)", "substr(surname,1,4)"),
            ("surname", "dob"),
            ("first_name", "dob"),
            ("postcode_fake", "first_name"),
            ("postcode_fake", "surname"),
            ("dob", "birth_place"),
            ("substr(postcode_fake,1,3)", "dob"),
            ("substr(postcode_fake,1,3)", "first_name"),
            ("substr(postcode_fake,1,3)", "surname"),
            ("substr(first_name,1,2)", "substr(surname,1,2)", "substr(dob,1,4)"),
        ),
        certain=(
            ("first_name", "surname", "dob"),
            ("substr(first_name,1,2)", "surname", "substr(postcode_fake,1,2)"),
            ("dob", "postcode_fake"),
        ),
        recall=0.6,
        training=(("first_name", "surname"), ("dob",)),
        sampled_pairs=1e7,
        frequencies_in_training=False,
        added=("first_name || ' ' || surname AS first_name_surname_concat",),
    ),
    "fake_20000": Model(
        unique_id="record_id",
        comparisons=_fake,
        blocking=(("first_name",), ("surname",), ("dob",), ("email",)),
        certain=(
            "l.first_name = r.first_name and levenshtein(r.dob, l.dob) <= 1",
            "l.surname = r.surname and levenshtein(r.dob, l.dob) <= 1",
            "l.first_name = r.first_name and levenshtein(r.surname, l.surname) <= 2",
            "l.email = r.email",
        ),
        recall=0.7,
        training=(("dob",), ("email",), ("first_name", "surname")),
        sampled_pairs=1e6,
        seed=5,
        frequencies_in_training=False,
    ),
    "rldata10000": Model(
        unique_id="record_id",
        comparisons=_rldata,
        blocking=(
            ("fname_c1", "lname_c1"),
            ("by", "bm", "bd"),
            ("fname_c1", "by"),
            ("lname_c1", "by"),
            ("fname_c1", "bm", "bd"),
            ("lname_c1", "bm", "bd"),
        ),
        certain=(("fname_c1", "lname_c1", "by"), ("fname_c1", "by", "bm", "bd"), ("lname_c1", "by", "bm", "bd")),
        recall=0.8,
        training=(("by", "bm", "bd"), ("fname_c1", "lname_c1")),
        sampled_pairs=1e6,
    ),
}
