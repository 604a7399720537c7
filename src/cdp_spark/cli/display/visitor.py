"""A visitor's explanation on the terminal, and as plain values."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cdp_spark.cli.display.output import console

if TYPE_CHECKING:
    from cdp_spark.explain.visitors import VisitorPair


def visitor_facts(pair: VisitorPair) -> dict[str, Any]:
    """A visitor and another record as plain values."""
    return {**asdict(pair), "verdict": pair.verdict}


def print_visitor(pair: VisitorPair) -> None:
    """Print the verdict, what both bear, and where they are."""
    out = console()
    out.print(f"\n{pair.left.title} and {pair.right.title}: {pair.verdict}", markup=False)
    out.print(f"identifiers in common: {', '.join(pair.shared) or 'none'}", markup=False)
    if pair.cluster_l and pair.cluster_r:
        both = f"one cluster: {pair.cluster_l}" if pair.together else f"clusters {pair.cluster_l} and {pair.cluster_r}"
        out.print(both, markup=False)
