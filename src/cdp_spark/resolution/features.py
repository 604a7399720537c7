"""The columns that are blocked on and compared, in match form.

Which form a column takes depends on the method that compares it: dates and phones keep their digits, e-mails their
characters in lower case, ids letters and digits, any other text the words of its match form. A list becomes one text,
its elements sorted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.errors import ContractError
from cdp_spark.normalise.batches import as_array, map_distinct
from cdp_spark.normalise.people.names import generation, read_suffix
from cdp_spark.normalise.text import compact_form, match_form

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdp_spark.config.match import EntityMatch

_FORM_BY_METHOD = {
    "date": "date",
    "days": "date",
    "email": "lower",
    "phone": "digits",
    "digits": "compact",
    "generation": "generation",
    "set_overlap": "set",
    "number": "lower",
    "geo": "lower",
}
_FORM_BY_COLUMN = {c.BIRTH_DATE: "date", c.EMAIL: "lower", c.PHONE: "digits", c.NATIONAL_ID: "compact"}
_ANY_FORM = "sql"
"""A method that takes a column in the form that another one needs."""
SET_SEPARATOR = "\n"
_NOT_DIGITS = re.compile(r"[^0-9]+")


def feature_columns(match: EntityMatch) -> dict[str, str]:
    """Map each column that is compared or blocked on to its form."""
    forms: dict[str, str] = {}
    for comparison in match.comparisons:
        if comparison.method != _ANY_FORM:
            for column in comparison.columns:
                forms[column] = _FORM_BY_METHOD.get(comparison.method, _FORM_BY_COLUMN.get(column, "text"))
    blocked = [
        key.column for rule in match.blocking for key in (*rule.keys, *([rule.split_by] if rule.split_by else []))
    ]
    fixed = [column for rule in match.deterministic for column in rule.columns]
    asked = [column for comparison in match.comparisons for column in comparison.columns]
    for column in (*blocked, *fixed, *asked):
        forms.setdefault(column, _FORM_BY_COLUMN.get(column, "text"))
    return dict(sorted(forms.items()))


def columns_read(match: EntityMatch, columns: list[str]) -> list[str]:
    """Name the columns of records that features are made of, `attributes` where one of them is not a column.

    Raises:
        ContractError: a column is neither in the records nor in a map of attributes.
    """
    wanted = feature_columns(match)
    found = [name for name in wanted if name in columns]
    if len(found) == len(wanted):
        return found
    if c.ATTRIBUTES not in columns:
        missing = next(name for name in wanted if name not in columns)
        raise ContractError("match.yaml", got=f"column {missing}", allowed=", ".join(columns), fix="name one of these")
    return [*found, c.ATTRIBUTES]


def make_features(records: pa.Table | pa.RecordBatch, match: EntityMatch) -> dict[str, pa.Array]:
    """Make the comparable text of every column that matching needs.

    Args:
        records: one row per record_key; a column that is not among its own is looked up in `attributes`.
        match: which columns are needed.
    Returns: text or null by column, in the order of their names.

    Raises:
        ContractError: a column is neither in the records nor in a map of attributes.
    """
    columns_read(match, records.schema.names)
    return {name: _in_form(_values(records, name), form) for name, form in feature_columns(match).items()}


def _values(records: pa.Table | pa.RecordBatch, name: str) -> pa.Array:
    own = name in records.schema.names
    column = as_array(records.column(name if own else c.ATTRIBUTES))
    return column if own else pc.map_lookup(column, name, "first")


def _in_form(values: pa.Array, form: str) -> pa.Array:
    kind = values.type
    if pa.types.is_list(kind):
        texts = [SET_SEPARATOR.join(sorted(filter(None, its))) or None if its else None for its in values.to_pylist()]
        return pa.array(texts, pa.string())
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return pc.strftime(values.cast(pa.timestamp("s")), format="%Y%m%d")
    return map_distinct(values.cast(pa.string()), FORMS.get(form, match_form))


def _digits(text: str) -> str | None:
    return _NOT_DIGITS.sub("", text) or None


def _lower(text: str) -> str | None:
    return text.lower().strip(" ") or None


FORMS: dict[str, Callable[[str], str | None]] = {
    "date": _digits,
    "digits": _digits,
    "lower": _lower,
    "set": _lower,
    "compact": compact_form,
    "generation": lambda text: generation(read_suffix(text) or ""),
}
"""What becomes of a text, by form; any other form is the match form."""
