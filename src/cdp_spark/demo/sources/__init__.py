"""The demo's sources, each with its own columns, notations and ids."""

from __future__ import annotations

from cdp_spark.demo.sources.companies import COMPANY_SOURCES
from cdp_spark.demo.sources.customers import CUSTOMER_SOURCES
from cdp_spark.demo.sources.engagement import ENGAGEMENT_SOURCES
from cdp_spark.demo.sources.purchases import PURCHASE_SOURCES
from cdp_spark.demo.sources.reference import REFERENCE_SOURCES
from cdp_spark.demo.sources.service import SERVICE_SOURCES
from cdp_spark.demo.sources.visitors import VISITOR_SOURCES

SOURCES = (
    *CUSTOMER_SOURCES,
    *SERVICE_SOURCES,
    *COMPANY_SOURCES,
    *PURCHASE_SOURCES,
    *VISITOR_SOURCES,
    *ENGAGEMENT_SOURCES,
    *REFERENCE_SOURCES,
)

__all__ = ["SOURCES"]
