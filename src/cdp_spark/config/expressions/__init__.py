"""Expressions of segments and traits: an allow-listed grammar, checked early, compiled to Columns.

`compile` needs Spark and is imported by itself, so that a project can be validated without a JVM's weight.
"""

from cdp_spark.config.expressions.check import check_expression
from cdp_spark.config.expressions.grammar.nodes import Kind
from cdp_spark.config.expressions.grammar.parse import parse_expression
from cdp_spark.config.expressions.grammar.render import render
from cdp_spark.config.expressions.references import referenced_columns
from cdp_spark.config.expressions.scope import Scope

__all__ = ["Kind", "Scope", "check_expression", "parse_expression", "referenced_columns", "render"]
