"""The columns that are blocked on and compared, in match form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.errors import ContractError
from cdp_spark.text import compact_form_expr, match_form_expr, null_if_empty_expr

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.match import EntityMatch

_FORM_BY_METHOD = {
    "date": "date",
    "days": "date",
    "email": "lower",
    "phone": "digits",
    "digits": "compact",
    "set_overlap": "set",
    "number": "lower",
    "geo": "lower",
}
_FORM_BY_COLUMN = {c.BIRTH_DATE: "date", c.EMAIL: "lower", c.PHONE: "digits", c.NATIONAL_ID: "compact"}
_ANY_FORM = "sql"
"""A method that takes a column in the form that another one needs."""
SET_SEPARATOR = "\n"


def feature_columns(match: EntityMatch) -> dict[str, str]:
    """Each column that is compared or blocked on, and its match form."""
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


def build_features(records: DataFrame, match: EntityMatch, *, carried: tuple[str, ...] = ()) -> DataFrame:
    """Keep the record key and the columns that matching needs, as comparable text.

    Args:
        records: one row per record_key; a column that is not among its own is looked up in `attributes`.
        match: which columns are needed.
        carried: columns to keep as they are.
    Returns: one row per record_key; text or null in every column that is not carried.

    Raises:
        ContractError: a column is neither in the records nor in a map of attributes.
    """
    forms = feature_columns(match)
    features = [form_expr(value_expr(records, name), records, name, form).alias(name) for name, form in forms.items()]
    return records.select(c.RECORD_KEY, *carried, *features)


def value_expr(records: DataFrame, name: str) -> Column:
    """The value of a column, or of the attribute of that name.

    Raises:
        ContractError: the records have neither.
    """
    if name in records.columns:
        return F.col(name)
    if c.ATTRIBUTES in records.columns:
        return F.try_element_at(F.col(c.ATTRIBUTES), F.lit(name))
    raise ContractError("match.yaml", got=f"column {name}", allowed=", ".join(records.columns), fix="name one of these")


def form_expr(value: Column, records: DataFrame, name: str, form: str) -> Column:
    """The value in the form that its method compares."""
    kind = records.schema[name].dataType if name in records.columns else T.StringType()
    if isinstance(kind, T.ArrayType):
        return null_if_empty_expr(F.array_join(F.array_sort(value), SET_SEPARATOR))
    if isinstance(kind, T.DateType | T.TimestampType):
        return F.date_format(value, "yyyyMMdd")
    text = value.cast("string")
    match form:
        case "date" | "digits":
            return null_if_empty_expr(F.regexp_replace(text, r"[^0-9]+", ""))
        case "lower" | "set":
            return null_if_empty_expr(F.trim(F.lower(text)))
        case "compact":
            return compact_form_expr(text)
        case _:
            return match_form_expr(text)
