"""Scores and offers as a person reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdp_spark import columns as c

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LOG_ODDS = "log_odds"
_WHOLE = 100
"""The tier of everybody below the top half."""


def score_rows(scores: Sequence[Mapping[str, Any]], *, most_reasons: int | None = None) -> list[dict[str, str]]:
    """Word a profile's scores, one row a model.

    Args:
        scores: rows of the table `scores`.
        most_reasons: to show of each; None shows all.
    """
    return [
        {
            "model": row[c.MODEL],
            "score": score_text(row),
            "tier": tier_text(row[c.TIER]),
            "reasons": reasons_text(row[c.REASONS][:most_reasons]),
        }
        for row in scores
    ]


def offer_rows(offers: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Word a profile's offers, the best first.

    Args:
        offers: rows of the table `offers`.
    """
    names = (c.RANK, c.PRODUCT_ID, c.PRODUCT_NAME, c.CATEGORY, c.REASON)
    return [{name: str(row[name] if row[name] is not None else "") for name in names} for row in offers]


def score_text(row: Mapping[str, Any]) -> str:
    """A probability in per cent, a value as it is."""
    return f"{row[c.SCORE]:.1%}" if _LOG_ODDS in dict(row[c.DETAILS]) else f"{row[c.SCORE]:,.2f}"


def tier_text(tier: int) -> str:
    """Such as `top 5 %`."""
    return "" if tier == _WHOLE else f"top {tier} %"


def reasons_text(reasons: Sequence[Mapping[str, Any]]) -> str:
    """What the score is made of, such as `3 product views in 7 days: +0.8`."""
    told = [(it[c.REASON], it[c.CONTRIBUTION]) for it in reasons if abs(it[c.CONTRIBUTION]) >= 0.005]
    return "; ".join(f"{reason}: {part:+,.2f}" for reason, part in told)
