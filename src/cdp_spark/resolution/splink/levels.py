"""The levels of a comparison as SQL conditions of DuckDB, in the order in which Splink asks them: most alike first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdp_spark.resolution.comparing.comparisons import FREQUENCY_BINS, compile_comparisons
from cdp_spark.resolution.comparing.dates import NEW_DECADE
from cdp_spark.resolution.comparing.emails import ALIKE_ADDRESS, ALIKE_LOCAL_PART, LEAST_LENGTHS, PARTED, WHOLE_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdp_spark.config.match import Comparison

ELSE = "ELSE"


@dataclass(frozen=True)
class SqlLevel:
    """A level of Splink's, and which of ours it stands for.

    Args:
        condition: SQL over `"x_l"` and `"x_r"`, or ELSE.
        levels: our level numbers; several where Splink tells common from rare values by itself; none for missing ones.
        label: in words.
        frequency_column: whose values' frequencies adjust the weight; None for no adjustment.
    """

    condition: str
    levels: tuple[int, ...]
    label: str
    frequency_column: str | None = None


_DIFFERENT = SqlLevel(ELSE, (1,), "different")


def sql_levels(comparison: Comparison) -> tuple[SqlLevel, ...] | None:
    """A comparison's levels, the null level first and the rest last; None where SQL cannot say them."""
    conditions = _CONDITIONS.get(comparison.method)
    if conditions is None:
        return None
    [compiled] = compile_comparisons((comparison,))
    names, between = compiled.level_names, conditions(comparison)
    if comparison.method == "sql":
        return (SqlLevel(_none_known(comparison), (), "missing"), *_graded(between, names, first=2), _DIFFERENT)
    if comparison.method == "address":
        graded = _graded(between, names, first=2)
        return (SqlLevel(_no_address(comparison.columns), (), "missing"), *graded, _DIFFERENT)
    left, right = sides(comparison.columns[0])
    equal = tuple(range(compiled.equal_level, len(names)))
    column = comparison.columns[0] if len(equal) == len(FREQUENCY_BINS) else None
    missing = f"{left} IS NULL OR {right} IS NULL"
    if comparison.method == "date":
        missing += f" OR ({left} = {right} AND {left} LIKE '%{NEW_DECADE}')"
    known = (
        SqlLevel(missing, (), "missing"),
        SqlLevel(f"{left} = {right}", equal, "equal", column),
    )
    if comparison.method == "email":
        another_number, *alike = between
        lowest = (SqlLevel(another_number, (1,), names[1]), SqlLevel(ELSE, (2,), names[2]))
        return (*known, *_graded(tuple(alike), names, first=3), *lowest)
    return (*known, *_graded(between, names, first=2), _DIFFERENT)


def sides(column: str) -> tuple[str, str]:
    """A column of the two records as Splink names it."""
    return f'"{column}_l"', f'"{column}_r"'


def _graded(conditions: tuple[str, ...], names: tuple[str, ...], *, first: int) -> tuple[SqlLevel, ...]:
    """Conditions, the most alike last, as levels from `first` up, the most alike first."""
    numbered = [SqlLevel(text, (number,), names[number]) for number, text in enumerate(conditions, start=first)]
    return tuple(reversed(numbered))


def _jaro_winkler(comparison: Comparison) -> tuple[str, ...]:
    left, right = sides(comparison.columns[0])
    return tuple(
        f"jaro_winkler_similarity({left}, {right}) >= {value:g}"
        for value in sorted(comparison.thresholds or (0.92, 0.8))
    )


def _edits(comparison: Comparison) -> tuple[str, ...]:
    left, right = sides(comparison.columns[0])
    steps = comparison.thresholds if comparison.method == "levenshtein" and comparison.thresholds else (1, 2)
    return tuple(f"damerau_levenshtein({left}, {right}) <= {value:g}" for value in sorted(steps, reverse=True))


def _date(comparison: Comparison) -> tuple[str, ...]:
    left, right = sides(comparison.columns[0])
    year, month, day = (f"substr({left}, {at}, {size}) = substr({right}, {at}, {size})" for at, size in _PARTS)
    transposed = f"substr({left}, 5, 2) = substr({right}, 7, 2) AND substr({left}, 7, 2) = substr({right}, 5, 2)"
    one_off = f"damerau_levenshtein({left}, {right}) <= 1 OR ({year} AND {transposed})"
    two = f"({year} AND {month}) OR ({year} AND {day}) OR ({month} AND {day})"
    return (year, two, one_off)


_PARTS = ((1, 4), (5, 2), (7, 2))


def _email(comparison: Comparison) -> tuple[str, ...]:
    """As `email_levels` grades; the first condition is of the lowest level, which is no way of being alike."""
    left, right = sides(comparison.columns[0])
    locals_ = tuple(f"split_part({side}, '@', 1)" for side in (left, right))
    digits = (f"regexp_replace({local}, '[^0-9]', '', 'g')" for local in locals_)
    one, another = (f"regexp_replace({each}, '^(19|20)([0-9][0-9])$', '\\2')" for each in digits)
    several = f"greatest(length({one}), length({another})) > 1"
    mistaken = f"(damerau_levenshtein({one}, {another}) <= 1 AND {several})"
    other = f"({one} <> {another} AND {one} <> '' AND {another} <> '')"
    without = (f"regexp_replace({local}, '[0-9]', '', 'g')" for local in locals_)
    domains = (f"split_part({side}, '@', 2)" for side in (left, right))
    only_number = f"({' = '.join(without)} AND {' = '.join(domains)})"
    renumbered = f"({other} AND ({only_number} OR NOT {mistaken}))"
    shorter = f"least(length({locals_[0]}), length({locals_[1]}))"
    short, long = LEAST_LENGTHS
    near = (
        f"{locals_[0]} = {locals_[1]} OR ({shorter} >= {short} AND damerau_levenshtein({left}, {right}) <= 1) OR "
        f"({shorter} >= {long} AND (damerau_levenshtein({left}, {right}) <= 2 "
        f"OR jaro_winkler_similarity({left}, {right}) >= {ALIKE_ADDRESS}))"
    )
    alike = f"jaro_winkler_similarity({locals_[0]}, {locals_[1]}) >= {ALIKE_LOCAL_PART} AND {_words_alike(locals_)}"
    return (
        f"{other} AND NOT {mistaken} AND {only_number}",
        f"NOT {renumbered} AND {shorter} >= {short} AND ({alike} OR {_spell_one_name(locals_)})",
        f"NOT {renumbered} AND ({near})",
    )


def _name_in(local: str) -> tuple[str, tuple[str, str]]:
    """The letters of a local part, and its two words; these are empty where it does not have just two."""
    name = f"regexp_replace({local}, '[0-9]', '', 'g')"
    one, other = (f"regexp_extract({name}, '{WHOLE_NAME}', {at})" for at in (1, 2))
    return f"regexp_replace({name}, '{PARTED}', '', 'g')", (one, other)


def _words_alike(locals_: tuple[str, ...]) -> str:
    (_, words), (_, others) = map(_name_in, locals_)
    alike = " AND ".join(
        f"jaro_winkler_similarity({one}, {other}) >= {ALIKE_LOCAL_PART}"
        for one, other in zip(words, others, strict=True)
    )
    return f"({words[0]} = '' OR {others[0]} = '' OR ({alike}))"


def _spell_one_name(locals_: tuple[str, ...]) -> str:
    sides_ = tuple(map(_name_in, locals_))
    found = []
    for (_, (one, other)), (letters, _) in (sides_, sides_[::-1]):
        ways = (f"left({first}, 1) || {last}" for first, last in ((one, other), (other, one)))
        turned = (f"{last} || left({first}, 1)" for first, last in ((one, other), (other, one)))
        whole = (f"{one} || {other}", f"{other} || {one}")
        found.append(f"({one} <> '' AND {letters} IN ({', '.join((*whole, *ways, *turned))}))")
    return f"({' OR '.join(found)})"


def _phone(comparison: Comparison) -> tuple[str, ...]:
    left, right = sides(comparison.columns[0])
    head = f"left({left}, -2) = left({right}, -2)"
    next_to = f"({head} AND right({left}, 2) <> reverse(right({right}, 2)))"
    near = f"damerau_levenshtein({left}, {right}) <= 1 AND NOT {next_to}"
    return (f"right({left}, 7) = right({right}, 7) OR ({near})",)


def _same(column: str) -> str:
    left, right = sides(column)
    return f"coalesce({left} = {right}, false)"


def _no_address(columns: tuple[str, ...]) -> str:
    missing = [" OR ".join(f"{side} IS NULL" for side in sides(name)) for name in columns if name != "house_number"]
    return " AND ".join(f"({each})" for each in missing)


def _none_known(comparison: Comparison) -> str:
    """That none of one's own conditions holds, and one of them is null."""
    none_holds = " AND ".join(f"NOT coalesce(({text}), false)" for text in comparison.conditions)
    return f"{none_holds} AND ({' OR '.join(f'({text}) IS NULL' for text in comparison.conditions)})"


def _address(comparison: Comparison) -> tuple[str, ...]:
    """As `address` grades: places, then the street alike or equal, elsewhere or here; another house is no equal one."""
    street, *rest = comparison.columns
    places = [_same(name) for name in rest if name != "house_number"]
    here = f"({' OR '.join(places)})" if places else "false"
    postcode = _same("postcode") if "postcode" in rest else "false"
    left, right = sides(street)
    alike = f"coalesce(jaro_winkler_similarity({left}, {right}) >= 0.9, false)"
    number = sides("house_number")
    next_door = f" AND NOT coalesce({number[0]} <> {number[1]}, false)" if "house_number" in rest else ""
    equal = f"{_same(street)}{next_door}"
    unknown = f"({left} IS NULL OR {right} IS NULL) AND {here}"
    return (here, postcode, alike, equal, unknown, f"{alike} AND {here}", f"{equal} AND {here}")


_CONDITIONS: dict[str, Callable[[Comparison], tuple[str, ...]]] = {
    "exact": lambda _: (),
    "jaro_winkler": _jaro_winkler,
    "levenshtein": _edits,
    "digits": _edits,
    "date": _date,
    "email": _email,
    "phone": _phone,
    "address": _address,
    "sql": lambda comparison: tuple(reversed(comparison.conditions)),
}
