"""What the shop's own rules put first for people or keep from them.

A rule names products and conditions on a person: what they bought (net of returns), events such as opened e-mails,
their spend over a year. A person meets it if all its conditions hold. `first` puts its products before all others, in
the order of the rules; `never` keeps them from those who meet it, `only` from those who do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from cdp_spark import columns as c
from cdp_spark.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from cdp_spark.config.insights.offers import OfferConditions, OfferRule, ProductChoice, SignalCondition, SpendRange
    from cdp_spark.insights.offers.catalogue import Catalogue
    from cdp_spark.insights.offers.purchases import Purchases

FIRST_PRODUCTS = 20
"""Products that a rule puts first, the most popular of those that it names: a category may have thousands."""
SIGNAL_COLUMNS = (c.UNIFIED_ID, c.EVENT_TYPE, c.CATEGORY, c.OCCURRED_AT)


@dataclass(frozen=True)
class Facts:
    """What rules ask about people.

    Args:
        purchases: theirs.
        signals: unified_id, event_type, category, occurred_at_utc of their other events; None where there are none.
        as_of: the last day that counts.
    """

    purchases: Purchases
    signals: pa.Table | None
    as_of: date


def people_first(
    rules: Sequence[OfferRule], facts: Facts, catalogue: Catalogue, popularity: NDArray[np.float64]
) -> sparse.csr_array | None:
    """Find which rule puts which product first for whom.

    Args:
        rules: in their order.
        facts: about the people.
        catalogue: the products.
        popularity: per product that can be offered, 0 for others.
    Returns: person by product, 1 + the number of the first rule that does; None without such a rule.
    """
    if not any(rule.action == "first" for rule in rules):
        return None
    shape = (len(facts.purchases.people), len(catalogue.names))
    keys, numbers = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for number, rule in enumerate(rules):
        if rule.action == "first":
            chosen = np.flatnonzero(catalogue.chosen(rule.offer))
            best = np.sort(chosen[np.argsort(-popularity[chosen], kind="stable")[:FIRST_PRODUCTS]])
            people = np.flatnonzero(meets(rule.when, facts, catalogue))
            keys.append((people[:, None] * shape[1] + best).ravel())
            numbers.append(np.full(len(people) * len(best), number + 1))
    key, at = np.unique(np.concatenate(keys), return_index=True)
    width = max(shape[1], 1)
    return sparse.csr_array((np.concatenate(numbers)[at], (key // width, key % width)), shape=shape)


def people_kept_from(
    rules: Sequence[OfferRule], facts: Facts, catalogue: Catalogue
) -> tuple[tuple[NDArray[np.bool_], NDArray[np.bool_]], ...]:
    """Find which products are kept from whom, for each rule that does so."""
    found = []
    for rule in rules:
        if rule.action != "first":
            met = meets(rule.when, facts, catalogue)
            found.append((catalogue.chosen(rule.offer), met if rule.action == "never" else ~met))
    return tuple(found)


def meets(conditions: OfferConditions, facts: Facts, catalogue: Catalogue) -> NDArray[np.bool_]:
    """Mark the people who meet all conditions."""
    met = np.ones(len(facts.purchases.people), np.bool_)
    if conditions.bought:
        met &= _bought(conditions.bought, facts.purchases, catalogue)
    for signal in conditions.signals:
        met &= _signalled(signal, facts)
    if conditions.spend_per_year:
        met &= _spends(conditions.spend_per_year, facts.purchases.spend)
    return met


def describe(conditions: OfferConditions, catalogue: Catalogue) -> str:
    """Say what a person who meets the conditions did, such as `Bought tents; email_open: boots`."""
    parts = []
    if bought := conditions.bought:
        names = dict(zip(catalogue.products.to_pylist(), catalogue.names, strict=True))
        things = [*bought.categories, *(names.get(product, product) for product in bought.products)]
        parts.append(f"bought {' or '.join(things)}")
    for signal in conditions.signals:
        about = f": {' or '.join(signal.categories)}" if signal.categories else ""
        parts.append(f"{signal.event_type}{about}")
    if spend := conditions.spend_per_year:
        parts.append(f"spends {_range(spend)} a year")
    text = "; ".join(parts)
    return text[0].upper() + text[1:] if conditions.bought or not conditions.signals else text


def _bought(choice: ProductChoice, purchases: Purchases, catalogue: Catalogue) -> NDArray[np.bool_]:
    found = np.zeros(len(purchases.people), np.bool_)
    found[purchases.person[catalogue.chosen(choice)[purchases.product]]] = True
    return found


def _signalled(signal: SignalCondition, facts: Facts) -> NDArray[np.bool_]:
    found = np.zeros(len(facts.purchases.people), np.bool_)
    if facts.signals is None:
        return found
    if missing := [name for name in SIGNAL_COLUMNS if name not in facts.signals.column_names]:
        raise ContractError("signals", got=f"no column {', '.join(missing)}", allowed=", ".join(SIGNAL_COLUMNS))
    last = int(np.datetime64(facts.as_of, "D").astype(np.int64))
    day = facts.signals[c.OCCURRED_AT].cast(pa.date32(), safe=False).cast(pa.int32())
    counts = pc.and_(pc.less_equal(day, last), pc.greater(day, last - signal.within_days))
    counts = pc.and_(counts, pc.equal(facts.signals[c.EVENT_TYPE], signal.event_type))
    if signal.categories:
        named = pc.is_in(facts.signals[c.CATEGORY].cast(pa.string()), value_set=pa.array(signal.categories))
        counts = pc.and_(counts, named)
    ids = facts.signals[c.UNIFIED_ID].filter(pc.fill_null(counts, fill_value=False)).cast(pa.string())
    number = pc.index_in(ids, value_set=facts.purchases.people).drop_null().to_numpy()
    found[number] = True
    return found


def _spends(spend: SpendRange, net: NDArray[np.float64]) -> NDArray[np.bool_]:
    low = -np.inf if spend.min is None else spend.min
    high = np.inf if spend.max is None else spend.max
    return np.asarray((net >= low) & (net <= high), np.bool_)


def _range(spend: SpendRange) -> str:
    if spend.min is None:
        return f"at most {spend.max:,g}"
    return f"at least {spend.min:,g}" if spend.max is None else f"{spend.min:,g}\N{EN DASH}{spend.max:,g}"
