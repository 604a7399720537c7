"""What cannot be seen in one trait alone: names, ratios of other traits, expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.config.base import choose_one, mistake
from cdp_spark.config.expressions import Scope, check_expression, parse_expression, referenced_columns
from cdp_spark.config.expressions.references import asks_clock
from cdp_spark.config.traits.definitions import PREFIX, RFM_GROUP, RFM_LAST, RFM_PURCHASES, RFM_SCORES, RFM_VALUE
from cdp_spark.config.traits.definitions import names_of as _names_of
from cdp_spark.config.traits.model import NUMBER_COLUMNS, TEXT_COLUMNS
from cdp_spark.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cdp_spark.config.checks.files import ProjectFiles
    from cdp_spark.config.expressions import Kind
    from cdp_spark.config.traits.model import RfmConfig, TraitConfig

EVENT_COLUMNS: dict[str, Kind] = {
    **dict.fromkeys(TEXT_COLUMNS, "string"),
    **dict.fromkeys(NUMBER_COLUMNS, "double"),
    c.OCCURRED_AT: "timestamp",
    c.ATTRIBUTES: "string_map",
}
"""What an expression over an event may name; the own attributes of an event are its properties."""
_NUMBERS = ("count", "sum", "average", "min", "max", "distinct")


def check_trait_names(traits: Sequence[TraitConfig], rfm: RfmConfig | None) -> None:
    """Refuse names that are given twice, and ratios of what is no number.

    Raises: PydanticCustomError: for the validator that calls this.
    """
    taken = {RFM_LAST, RFM_PURCHASES, RFM_VALUE, *RFM_SCORES, RFM_GROUP} if rfm is not None else set()
    for place, trait in enumerate(traits):
        for made in _names_of(trait):
            if made in taken:
                fix = "give each trait its own name"
                raise mistake(got=f"a second trait '{made}'", fix=fix, at=("traits", place, "name"))
            taken.add(made)
    for place, trait in enumerate(traits):
        alike = [it for it in traits if _whose(it) == _whose(trait)]
        numbers = [it.name for it in alike if it.of in _NUMBERS]
        for key, name in (("numerator", trait.numerator), ("denominator", trait.denominator)):
            if name is not None and name not in numbers:
                allowed = f"traits of {', '.join(_NUMBERS)}: {', '.join(numbers) or 'there are none'}"
                fix = choose_one(name, numbers) if numbers else "add one"
                raise mistake(got=f"'{name}'", allowed=allowed, fix=fix, at=("traits", place, key))


def _whose(trait: TraitConfig) -> tuple[str, bool]:
    return trait.entity, trait.include_subsidiaries


def check_scores(traits: Sequence[TraitConfig], models: Sequence[str]) -> None:
    """Refuse roll-ups of scores that no section makes.

    Raises: PydanticCustomError: for the validator that calls this.
    """
    for place, trait in enumerate(traits):
        if trait.score is not None and trait.score not in models:
            allowed = ", ".join(models) or "scores of insights.yaml; there are none"
            fix = choose_one(trait.score, models) if models else "add the section `scores`"
            raise mistake(got=f"'{trait.score}'", allowed=allowed, fix=fix, at=("traits", place, "score"))


def trait_mistakes(files: ProjectFiles) -> Iterator[ConfigError]:
    """Find expressions that are wrong, or that ask for the clock."""
    if files.insights is None:
        return
    for place, trait in enumerate(files.insights.value.traits):
        if trait.expression is not None:
            where = files.insights.document.where(("traits", place, "expression"))
            scope = Scope(trait.expression, where, EVENT_COLUMNS)
            node = check_expression(trait.expression, scope)
            yield from scope.mistakes
            if node is not None and not scope.mistakes and asks_clock(trait.expression):
                got = "an expression that depends on the clock"
                yield ConfigError(where, got=got, fix="choose ages of events by window_days")


def asks_traits(text: str) -> bool:
    """Say whether an expression names a trait; not where it cannot be read."""
    try:
        parse_expression(text, where="expression")
    except ConfigError:
        return False
    return any(name.startswith(PREFIX) for name in referenced_columns(text))
