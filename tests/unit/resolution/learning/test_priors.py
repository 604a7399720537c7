"""What comparisons are worth before the data."""

import numpy as np
import pytest

from cdp_spark.config.match import BlockingKey, BlockingRule, Comparison, Method
from cdp_spark.resolution.comparing.comparisons import compile_comparisons
from cdp_spark.resolution.learning.fitting import layout_of
from cdp_spark.resolution.learning.priors import Prior, prior_of, rule_pull, shipped_priors

BINS = np.array([[0.2, 0.3, 0.5], [0.0, 0.0, 0.0]])
ONE_BIN = np.array([[1.0], [0.0]])
PEOPLE: tuple[tuple[str, Method], ...] = (
    ("given_name", "name"),
    ("family_name", "name"),
    ("birth_date", "date"),
    ("email", "email"),
    ("phone", "phone"),
    ("national_id", "digits"),
)


def _prior(column: str, method: Method) -> Prior:
    (compiled,) = compile_comparisons((Comparison(name="x", method=method, columns=(column,)),))
    found = prior_of(compiled, ONE_BIN if compiled.bins == 1 else BINS, people=True)
    assert found is not None
    return found


def test_every_shipped_entry_is_a_distribution_for_its_levels() -> None:
    for entry in shipped_priors():
        for shares in (entry.matches, entry.others, entry.related):
            assert shares is None or (len(shares) == len(entry.levels) and sum(shares) == pytest.approx(1, abs=0.02))
        assert (entry.related is None) != (entry.own is None)
        assert len(entry.against) < len(entry.levels)


@pytest.mark.parametrize(("column", "method"), PEOPLE)
def test_rare_agreement_speaks_for_a_match_and_contradiction_against_it(column: str, method: Method) -> None:
    matches, others, _ = _prior(column, method).shares
    bits = np.log2(matches[1:] / others[1:])
    assert bits[0] < 0 < bits[-1]
    assert (np.diff(bits[-3:]) > 0).all(), "a rare value says more than a common one"


def test_what_people_have_of_their_own_speaks_against_relatives_and_what_a_home_shares_does_not() -> None:
    for column, method in PEOPLE:
        matches, _, related = _prior(column, method).shares
        bits = np.log2(matches[-1] / related[-1])
        assert bits < 2 if column in {"family_name", "phone"} else bits > 4


def test_a_rule_on_a_shared_home_expects_relatives_and_one_on_two_own_values_does_not() -> None:
    comparisons = tuple(
        Comparison(name=column, method=method, columns=(column,)) for column, method in (*PEOPLE[:3], PEOPLE[4])
    )
    rules = tuple(
        BlockingRule(name=f"r{at}", keys=tuple(BlockingKey(column=name) for name in names))
        for at, names in enumerate((("phone",), ("given_name", "birth_date")))
    )
    priors = [_prior(column, method) for column, method in (*PEOPLE[:3], PEOPLE[4])]
    phone, own = rule_pull(priors, layout_of(rules, comparisons), records=100)
    assert phone[2] > phone[0] / 3
    assert own[2] < own[0] / 20
