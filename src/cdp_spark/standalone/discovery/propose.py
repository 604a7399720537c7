"""Propose comparisons and candidate blocking rules for recognised columns."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.config.match import BlockingKey, BlockingRule, Comparison, KeyTransform
from cdp_spark.standalone.discovery.vocabulary import snake_case

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdp_spark.config.match import Method
    from cdp_spark.standalone.discovery.recognise import Recognised
    from cdp_spark.standalone.discovery.vocabulary import Meaning

MAX_COMPARISONS = 15
MAX_CANDIDATES = 60
"""A pair's rule mask has 63 bits."""

_METHODS: dict[Meaning, Method] = {
    "given_name": "name",
    "middle_name": "name",
    "family_name": "name",
    "full_name": "name",
    "name_suffix": "generation",
    "birth_date": "date",
    "date": "date",
    "gender": "exact",
    "email": "email",
    "phone": "phone",
    "street": "jaro_winkler",
    "unit": "jaro_winkler",
    "address": "tokens",
    "city": "jaro_winkler",
    "postcode": "levenshtein",
    "region": "exact",
    "country": "exact",
    "national_id": "digits",
    "company_name": "jaro_winkler",
    "domain": "jaro_winkler",
    "registration_number": "digits",
    "code": "levenshtein",
    "identifier": "exact",
    "birthday": "exact",
    "further_name": "jaro_winkler",
    "category": "exact",
    "text": "jaro_winkler",
    "number": "exact",
}
_FIRST: tuple[frozenset[Meaning], ...] = (
    frozenset({"given_name", "family_name", "full_name", "birth_date", "email", "phone", "national_id"}),
    frozenset({"company_name", "registration_number", "domain", "street", "address", "city", "postcode", "birthday"}),
    frozenset({"name_suffix", "middle_name", "further_name", "house_number", "unit", "region", "country", "gender"}),
)
"""What identifies, the best first; all else comes after."""
_THRESHOLDS: dict[Meaning, tuple[float, ...]] = {"postcode": (1.0,), "code": (1.0,)}

_MANY_FORMS = 0.2
"""With so many legal forms names are those of companies, not of shops and restaurants."""
_WORD_SHARES = (0.8, 0.6, 0.4, 0.2)

_Part = tuple[KeyTransform, int]
_WORDS: _Part = ("tokens", 4)
_PIECES: _Part = ("minhash", 4)
_SEVERAL_KEYS = frozenset({"tokens", "minhash"})
_SEVERAL_WORDS, _LONG_TEXT = 1.8, 12.0
"""Mean words, and characters, from which a text is blocked by its words, and by its pieces."""
_WORD_BLOCK_RECORDS = 50
"""Only words that so few records have are worth comparing all of them."""
_LISTS = frozenset({c.EMAILS, c.PHONES})
_EXACT: _Part = ("exact", 4)
_PARTS: dict[Meaning, tuple[_Part, ...]] = {
    "given_name": (_EXACT, ("phonetic", 4)),
    "family_name": (_EXACT, ("phonetic", 4)),
    "full_name": (_EXACT, ("first_word", 4), ("last_word", 4)),
    "birth_date": (_EXACT, ("year", 4), ("suffix", 4)),
    "date": (_EXACT, ("year", 4), ("suffix", 4)),
    "email": (_EXACT,),
    "phone": (_EXACT, ("suffix", 7)),
    "street": (_EXACT,),
    "address": (_EXACT, ("prefix", 10)),
    "city": (_EXACT,),
    "postcode": (_EXACT,),
    "national_id": (_EXACT,),
    "company_name": (_EXACT, ("first_word", 4), ("prefix", 5)),
    "domain": (_EXACT,),
    "registration_number": (_EXACT,),
    "code": (_EXACT,),
    "identifier": (_EXACT,),
    "birthday": (_EXACT,),
    "further_name": (_EXACT,),
    "category": (_EXACT,),
    "text": (_EXACT, ("first_word", 4)),
}
_ALONE: frozenset[Meaning] = frozenset(
    {
        "birth_date",
        "email",
        "phone",
        "street",
        "address",
        "postcode",
        "national_id",
        "company_name",
        "domain",
        "registration_number",
        "code",
        "identifier",
        "text",
    }
)
"""Meanings of which one part alone can be a rule."""
_WEAK: frozenset[_Part] = frozenset({("year", 4), ("phonetic", 4), ("suffix", 4)})


def propose_comparisons(recognised: Sequence[Recognised]) -> tuple[Comparison, ...]:
    """One comparison a column, but street, city and postcode together, and names with their swapped partner.

    What identifies comes first, so that of more than `MAX_COMPARISONS` it is the last to be left out.
    """
    columns = {item.meaning: item.column for item in recognised}
    used = [item for item in most_identifying(recognised) if item.meaning in _METHODS and not _is_beside(item, columns)]
    joint = _joint_address(columns)
    comparisons = [_compare(item, columns) for item in used if item.column not in joint]
    if joint:
        comparisons = comparisons[: MAX_COMPARISONS - 1]
        comparisons.append(Comparison(name="address_parts", method="address", columns=joint))
    return tuple(comparisons[:MAX_COMPARISONS])


def most_identifying(recognised: Sequence[Recognised]) -> list[Recognised]:
    """Put what identifies first; columns of one kind stay in their order."""

    def place(item: Recognised) -> int:
        return next((at for at, meanings in enumerate(_FIRST) if item.meaning in meanings), len(_FIRST))

    return sorted(recognised, key=place)


def _parts_of(item: Recognised) -> tuple[_Part, ...]:
    """What a column can be blocked by; texts of several words by their words and pieces, too."""
    if item.column in _LISTS:
        return (_WORDS,)
    words, length = item.profile.mean_words, item.profile.mean_length
    is_text = item.meaning in {"text", "company_name"}
    by_words = (_WORDS,) if is_text and words >= _SEVERAL_WORDS else ()
    by_pieces = (_PIECES,) if is_text and length >= _LONG_TEXT else ()
    return (*_PARTS.get(item.meaning, ()), *by_words, *by_pieces)


def candidate_rules(recognised: Sequence[Recognised]) -> tuple[BlockingRule, ...]:
    """Rules worth estimating: strong parts alone, pairs of parts, and triples of coarse ones; the likeliest first."""
    columns = {item.meaning: item.column for item in recognised}
    parts = [
        (item, BlockingKey(column=item.column, transform=transform, length=length))
        for item in most_identifying(recognised)
        if not _is_beside(item, columns)
        for transform, length in _parts_of(item)
    ]
    alone = [(key,) for item, key in parts if item.meaning in _ALONE and not _is_weak(key)]
    pairs = [
        (key_l, key_r)
        for (item_l, key_l), (item_r, key_r) in combinations(parts, 2)
        if item_l.column != item_r.column
        and not (_is_year(key_l) or _is_year(key_r))
        and not (key_l.transform in _SEVERAL_KEYS and key_r.transform in _SEVERAL_KEYS)
        and "minhash" not in {key_l.transform, key_r.transform}
    ]
    pairs.sort(key=lambda keys: sum(map(_is_weak, keys)))
    rules = [_rule(keys) for keys in (*alone, *_triples(parts), *pairs)]
    return tuple({rule.name: rule for rule in rules}.values())[:MAX_CANDIDATES]


def _triples(parts: list[tuple[Recognised, BlockingKey]]) -> list[tuple[BlockingKey, ...]]:
    """A year of birth, or of the first date, with two other columns: finds what one typing error hides from pairs."""
    dates = sorted((item for item, key in parts if _is_year(key)), key=lambda item: item.meaning != "birth_date")
    years = [key for item, key in parts if _is_year(key) and item is dates[0]]
    others = [
        (item, key)
        for item, key in parts
        if not _is_year(key)
        and key.transform not in _SEVERAL_KEYS
        and item.meaning not in {"birth_date", "date", "email"}
    ]
    return [
        (key_l, key_r, year)
        for year in years
        for (item_l, key_l), (item_r, key_r) in combinations(others, 2)
        if item_l.column != item_r.column and key_l.transform == key_r.transform
    ]


def _is_year(key: BlockingKey) -> bool:
    return key.transform == "year"


def _is_weak(key: BlockingKey) -> bool:
    return (key.transform, key.length) in _WEAK


def _rule(keys: tuple[BlockingKey, ...]) -> BlockingRule:
    words = [snake_case(key.column) + ("" if key.transform == "exact" else f"_{key.transform}") for key in keys]
    alone = len(keys) == 1 and keys[0].transform in _SEVERAL_KEYS
    limit = _WORD_BLOCK_RECORDS if alone else None
    return BlockingRule(name=_safe("_and_".join(words)), keys=keys, max_block_records=limit)


def _compare(item: Recognised, columns: dict[Meaning, str]) -> Comparison:
    partner: dict[Meaning, Meaning] = {"given_name": "family_name", "family_name": "given_name"}
    others = [columns.get(partner[item.meaning]), columns.get("full_name")] if item.meaning in partner else []
    if others and others[0] is None:
        others = []
    method = _METHODS[item.meaning]
    if item.meaning in {"text", "company_name"} and item.profile.mean_words > 2.5:
        method = "tokens"
    if item.column in _LISTS:
        method = "set_overlap"
    if item.column == c.COMPANY_CORE and item.profile.shares.get("legal_form", 0.0) >= _MANY_FORMS:
        method, others = "company", [c.COMPANY_NAME]
    return Comparison(
        name=_safe(snake_case(item.column)),
        method=method,
        columns=(item.column, *filter(None, others)),
        thresholds=_WORD_SHARES if method == "tokens" else _THRESHOLDS.get(item.meaning, ()),
    )


def _is_beside(item: Recognised, columns: dict[Meaning, str]) -> bool:
    """A whole name beside its parts: it stands in their comparisons."""
    if item.meaning == "company_name" and item.column == c.COMPANY_NAME:
        return True
    return item.meaning == "full_name" and ("given_name" in columns or "family_name" in columns)


def _joint_address(columns: dict[Meaning, str]) -> tuple[str, ...]:
    if "street" not in columns:
        return ()
    places = [columns[meaning] for meaning in ("city", "postcode") if meaning in columns]
    number = [columns["house_number"]] if "house_number" in columns else []
    return (columns["street"], *places, *number) if places else ()


def _safe(name: str) -> str:
    """A name of the allowed pattern: letters, digits, underscores; at most 63 characters."""
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name.lower())
    return (plain if plain[:1].isalpha() else f"c_{plain}")[:63]
