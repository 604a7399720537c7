"""Which columns speak of the person: those that identify, and others that prove it.

Names, birth date, contact points, address, ids and company identify. Any other column (dates, codes, categories, texts,
numbers) takes part only if it proves that it speaks of the person:

1. Sure matches are pairs of a sample that share an e-mail, a phone or an id and the given name (or the company), or the
   full name and the birth date.
2. Strangers are pairs whose given names and family names are unlike (one of them may be written differently in two
   records of a person) and whose birth dates are not the same: drawn at random, and drawn inside each group that people
   share without being one, such as a company, a mail domain, a postcode, a city.
3. A column proves itself where sure matches agree on it far more often than the strangers of any group. One that merely
   follows an office, a sales person or a campaign does not; nor does one with too few sure matches to tell.

Where the columns describe no person and no company (products, places), nothing could prove them, and all are used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.normalise.batches import encode, map_distinct
from cdp_spark.normalise.text import match_form
from cdp_spark.resolution.blocking.key_arrays import block_spans
from cdp_spark.resolution.comparing.similarity import jaro_winkler
from cdp_spark.resolution.pairs import all_pairs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from cdp_spark.standalone.discovery.recognise import Recognised
    from cdp_spark.standalone.discovery.vocabulary import Meaning

    Codes = NDArray[np.int64]
    Pair = tuple[Codes, Codes]

_OTHERS: frozenset[Meaning] = frozenset({"date", "code", "category", "text", "number", "identifier"})
"""Meanings that must prove themselves."""
_WEAK: frozenset[Meaning] = frozenset({"gender", "region", "country"})
"""Meanings that take part unless the sure matches say otherwise."""
_WHO: frozenset[Meaning] = frozenset({"given_name", "family_name", "full_name", "company_name", "email", "phone"})
_IDS = (c.EMAIL, c.EMAILS, c.PHONE, c.PHONES, c.NATIONAL_ID, c.REGISTRATION_NUMBER)
_GROUPS = {
    c.COMPANY_CORE: "company",
    c.DOMAIN: "domain",
    c.EMAIL: "mail domain",
    c.EMAILS: "mail domain",
    c.PHONE: "phone",
    c.PHONES: "phone",
    c.STREET: "street",
    c.POSTCODE: "postcode",
    c.CITY: "city",
}
"""Features that people share without being one, and what they share then."""
_MOST_SHARING = 6
"""Records that may share an id, or a name and a birth date, for a pair of them to be sure."""
_FEWEST_SURE, _FEWEST_STRANGERS = 10, 30
_FAR_MORE = 3.0
"""How many times more often sure matches must agree than strangers."""
_LEAST_AGREEMENT = 0.3
_CONFIDENCE = 1.28
"""Standard deviations that a share of few pairs may be off (one side, 90 %)."""
_ALIKE = 0.75
"""Jaro–Winkler similarity from which two names may be one."""
_SEED = 1


@dataclass(frozen=True)
class _Evidence:
    """Pairs of the sample's rows.

    Args:
        sure: of one person.
        strangers: of different people, by what they share; under an empty name those drawn at random.
    """

    sure: Pair
    strangers: Mapping[str, Pair]


def find_unproven(sample: pa.Table, features: Sequence[Recognised]) -> dict[str, str]:
    """Find the features that have not proved that they speak of the person.

    Args:
        sample: of the clean records.
        features: what they hold.
    Returns: why not, by feature.
    """
    meanings = {item.meaning for item in features}
    if not meanings & _WHO or len(meanings - _OTHERS) < 2:
        return {}
    candidates = [item for item in features if item.meaning in _OTHERS | _WEAK]
    if not candidates:
        return {}
    evidence = _evidence(sample)
    found = {item.column: _problem(item, _codes(sample, item.column), evidence) for item in candidates}
    return {column: problem for column, problem in found.items() if problem is not None}


def _problem(item: Recognised, codes: Codes, evidence: _Evidence) -> str | None:
    sure, agreed = _agreement(codes, evidence.sure)
    if sure < _FEWEST_SURE:
        counted = f"only {sure}" if sure else "no"
        few = f"{counted} sure match{'' if sure == 1 else 'es'} to tell whether it is about the person"
        return few if item.meaning in _OTHERS else None
    groups = {name: _agreement(codes, pairs) for name, pairs in evidence.strangers.items()}
    shares = {name: share for name, (count, share) in groups.items() if count >= _FEWEST_STRANGERS or not name}
    group = max(shares, key=lambda name: shares[name])
    strangers = shares[group]
    least = _least(agreed, sure)
    if item.meaning in _WEAK:
        contradicts = agreed < 0.5 and least < 2 * strangers
    else:
        contradicts = agreed < _LEAST_AGREEMENT or least < _FAR_MORE * strangers
    if not contradicts:
        return None
    beside = f"strangers with the same {_GROUPS[group]}" if group else "strangers"
    return f"{agreed:.0%} of {sure:,} sure matches agree on it, and {strangers:.0%} of {beside}"


def _least(share: float, count: int) -> float:
    """The lower end of a share's interval (Wilson)."""
    square = _CONFIDENCE**2
    middle = share + square / (2 * count)
    spread = _CONFIDENCE * np.sqrt(share * (1 - share) / count + square / (4 * count**2))
    return float((middle - spread) / (1 + square / count))


def _agreement(codes: Codes, pairs: Pair) -> tuple[int, float]:
    """How many pairs have values on both sides, and the share of them that agree."""
    left, right = codes[pairs[0]], codes[pairs[1]]
    known = (left >= 0) & (right >= 0)
    count = int(known.sum())
    return count, float((known & (left == right)).sum()) / max(count, 1)


def _evidence(sample: pa.Table) -> _Evidence:
    who = _who(sample)
    sure = [
        _with_same(pairs, who) for name in _IDS if name in sample.column_names for pairs in [_sharing(sample, name)]
    ]
    sure.append(_namesakes(sample))
    left, right = (np.concatenate([pairs[side] for pairs in sure]) for side in (0, 1))
    once = np.unique(np.stack([np.minimum(left, right), np.maximum(left, right)]), axis=1)
    return _Evidence((once[0], once[1]), _strangers(sample))


def _who(sample: pa.Table) -> Codes:
    """What tells people with one contact point apart: the given name, or the first of what there is, or nothing."""
    for name in (c.GIVEN_NAME, c.FULL_NAME, c.FAMILY_NAME, c.COMPANY_CORE):
        if name in sample.column_names:
            return _codes(sample, name)
    return np.zeros(sample.num_rows, dtype=np.int64)


def _with_same(pairs: Pair, who: Codes) -> Pair:
    left, right = pairs
    kept = (who[left] >= 0) & (who[left] == who[right])
    return left[kept], right[kept]


def _sharing(sample: pa.Table, name: str) -> Pair:
    """Pairs of rows that share a value which few have."""
    rows, codes = _entries(sample, name)
    order = np.argsort(codes, kind="stable")
    starts, sizes = block_spans(codes[order])
    few = (sizes > 1) & (sizes <= _MOST_SHARING)
    left, right = all_pairs(starts[few], sizes[few])
    one, other = rows[order][left], rows[order][right]
    return one[one != other], other[one != other]


def _namesakes(sample: pa.Table) -> Pair:
    """Pairs with the same given name, family name and birth date."""
    names = (c.GIVEN_NAME, c.FAMILY_NAME, c.BIRTH_DATE)
    if not all(name in sample.column_names for name in names):
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing
    texts = [pc.cast(_text(sample, name), pa.string()) for name in names]
    joined = pc.binary_join_element_wise(*texts, "\n")
    return _sharing(pa.table({"namesake": joined}), "namesake")


def _strangers(sample: pa.Table) -> dict[str, Pair]:
    generator = np.random.default_rng(_SEED)
    anywhere = np.arange(sample.num_rows), np.zeros(sample.num_rows, dtype=np.int64)
    groups = {name: _group(sample, name) for name in _GROUPS if name in sample.column_names}
    return {name: _unlike(sample, _drawn(*entries, generator)) for name, entries in ({"": anywhere} | groups).items()}


def _group(sample: pa.Table, name: str) -> Pair:
    """Rows and the group of each; of an e-mail its domain."""
    if name not in (c.EMAIL, c.EMAILS):
        return _entries(sample, name)
    values = sample[name].combine_chunks()
    rows, texts = _flat(values)
    domains = pc.replace_substring_regex(texts, r"^.*@", "")
    return rows, np.asarray(encode(domains).indices, dtype=np.int64)


def _drawn(rows: Codes, group: Codes, generator: np.random.Generator) -> Pair:
    """Pairs of neighbours in a random order inside each group."""
    order = np.lexsort((generator.random(len(rows)), group))
    rows, group = rows[order], group[order]
    found = [(rows[:-step], rows[step:], group[:-step] == group[step:]) for step in (1, 2, 3)]
    left, right, same = (np.concatenate(its) for its in zip(*found, strict=True))
    return left[same], right[same]


def _unlike(sample: pa.Table, pairs: Pair) -> Pair:
    """Pairs of whom both names are known and unlike, and the birth dates are not equal."""
    left, right = pairs
    if c.BIRTH_DATE in sample.column_names:
        born = _codes(sample, c.BIRTH_DATE)
        kept = (born[left] < 0) | (born[left] != born[right])
        left, right = left[kept], right[kept]
    names = [name for name in (c.GIVEN_NAME, c.FAMILY_NAME) if name in sample.column_names]
    for name in names or [it for it in (c.FULL_NAME, c.COMPANY_CORE) if it in sample.column_names][:1]:
        texts = np.array([text or "" for text in _text(sample, name).to_pylist()], dtype=object)
        known = (texts[left] != "") & (texts[right] != "")
        left, right = left[known], right[known]
        unlike = jaro_winkler(texts[left], texts[right], at_least=_ALIKE) < _ALIKE
        left, right = left[unlike], right[unlike]
    return left, right


def _entries(sample: pa.Table, name: str) -> Pair:
    """Rows and codes of the values that are there; of a list one each."""
    rows, texts = _flat(_text(sample, name))
    return rows, np.asarray(encode(texts).indices, dtype=np.int64)


def _flat(values: pa.Array) -> tuple[Codes, pa.Array]:
    if pa.types.is_list(values.type):
        rows, texts = pc.list_parent_indices(values), pc.list_flatten(values)
    else:
        rows, texts = pa.array(np.arange(len(values))), values
    known = pc.is_valid(texts)
    return np.asarray(rows.filter(known), dtype=np.int64), texts.filter(known)


def _codes(sample: pa.Table, name: str) -> Codes:
    return np.asarray(encode(_text(sample, name)).indices.fill_null(-1), dtype=np.int64)


def _text(sample: pa.Table, name: str) -> pa.Array:
    """A column in match form; lists as they are."""
    values = sample[name].combine_chunks()
    return values if pa.types.is_list(values.type) else map_distinct(values.cast(pa.string()), match_form)
