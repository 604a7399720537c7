"""Who of a segment may be exported, and with which contact points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.config.destination import NO_PURPOSE
from cdp_spark.config.project import ConsentPolicy
from cdp_spark.tables.consents import allowed_expr
from cdp_spark.tables.hashing import contact_point_hash_expr

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.destination import Destination

ALLOWED = "allowed"
"""Of an audience: true where the profile may be exported."""

SUPPRESSED = "suppressed"
"""Of an audience: true for the members of a segment that the destination leaves out."""
ANY_SILENCE = ConsentPolicy(default="granted")

_REFUSALS = ("denied", "withdrawn")
_CONTACT_COLUMNS = (c.EMAIL, c.PHONE, c.EMAILS, c.PHONES)
_STATUSES = "status_by_contact_point"


def build_audience(
    profiles: DataFrame,
    members: DataFrame,
    contact_point_consents: DataFrame,
    *,
    destination: Destination,
    policy: ConsentPolicy,
) -> DataFrame:
    """Decide for each member of the destination's segment whether, and with what, it may be exported.

    The purpose must be allowed by the release's profile and by the newest word on each of its contact points, so a
    consent that was withdrawn since the release counts at once. With a `contact_point`, the profile must have one that
    is allowed by itself; e-mails and phones that are not are left out of every column. With `none` the profile counts.
    Consents are given by persons: accounts without a purpose are all allowed, only the contact points are left out for
    which something was refused. Members of a segment to suppress are not.

    Args:
        profiles: of the release, one row per unified_id.
        members: of the release, spans.
        contact_point_consents: one row per (contact_point_hash, purpose), now.
        destination: names the segment, purpose and contact point.
        policy: what holds where nobody was asked.

    Returns:
        one row per current member: the profile's columns, `allowed` and `suppressed`.
    """
    current = members.where(F.col(c.EXITED_AT).isNull())
    wanted = current.where(F.col(c.SEGMENT) == destination.segment).select(c.UNIFIED_ID)
    audience = _with_suppressed(profiles.join(wanted, on=c.UNIFIED_ID, how="left_semi"), current, destination)
    if destination.purpose == NO_PURPOSE:
        known = _with_statuses(audience, build_refused_points(contact_point_consents))
        return _without_refused(known, ANY_SILENCE).withColumn(ALLOWED, ~F.col(SUPPRESSED)).drop(_STATUSES)
    known = _with_statuses(audience, _of_purpose(contact_point_consents, destination.purpose))
    of_profile = _allowed_profile(destination.purpose, policy) & ~F.col(SUPPRESSED)
    if destination.contact_point == "none":
        return known.withColumn(ALLOWED, of_profile).drop(_STATUSES)
    reachable = F.col(destination.contact_point).isNotNull()
    return _without_refused(known, policy).withColumn(ALLOWED, of_profile & reachable).drop(_STATUSES)


def build_consenting_profiles(
    profiles: DataFrame, contact_point_consents: DataFrame, *, purpose: str, policy: ConsentPolicy
) -> DataFrame:
    """Keep the profiles that may be used for a purpose, by the rule of `build_audience`.

    Args:
        profiles: of a release, one row per unified_id.
        contact_point_consents: one row per (contact_point_hash, purpose), now.
        purpose: that must be allowed by the profile, and by the newest word on each of its contact points.
        policy: what holds where nobody was asked.

    Returns: the profiles' columns, without the e-mails and phones that are not allowed by themselves.
    """
    known = _with_statuses(profiles, _of_purpose(contact_point_consents, purpose))
    allowed = known.where(_allowed_profile(purpose, policy))
    return _without_refused(allowed, policy).select(profiles.columns)


def build_refused_points(contact_point_consents: DataFrame) -> DataFrame:
    """The contact points for which some purpose was refused.

    Returns:
        one row per contact_point_hash with the status `denied`.
    """
    refused = contact_point_consents.where(F.col(c.STATUS).isin(*_REFUSALS)).select(c.CONTACT_POINT_HASH).distinct()
    return refused.withColumn(c.STATUS, F.lit("denied"))


def _of_purpose(contact_point_consents: DataFrame, purpose: str) -> DataFrame:
    return contact_point_consents.where(F.col(c.PURPOSE) == purpose)


def _allowed_profile(purpose: str, policy: ConsentPolicy) -> Column:
    released = F.try_element_at(F.col(c.CONSENTS), F.lit(purpose))
    return allowed_expr(released, policy=policy) & _no_refusal()


def _with_suppressed(audience: DataFrame, current: DataFrame, destination: Destination) -> DataFrame:
    if not destination.suppress:
        return audience.withColumn(SUPPRESSED, F.lit(False))
    left_out = current.where(F.col(c.SEGMENT).isin(*destination.suppress)).select(c.UNIFIED_ID).distinct()
    marked = audience.join(left_out.withColumn(SUPPRESSED, F.lit(True)), on=c.UNIFIED_ID, how="left")
    return marked.withColumn(SUPPRESSED, F.coalesce(SUPPRESSED, F.lit(False)))


def _without_refused(known: DataFrame, policy: ConsentPolicy) -> DataFrame:
    return known.withColumns({name: _allowed_contacts(name, policy) for name in _CONTACT_COLUMNS})


def _with_statuses(audience: DataFrame, consents: DataFrame) -> DataFrame:
    """Put the newest statuses of a profile's contact points beside it, as a map from value to status; never null."""
    points = audience.select(c.UNIFIED_ID, F.explode(F.array_distinct(_contact_points())).alias(c.VALUE))
    statuses = (
        points.withColumn(c.CONTACT_POINT_HASH, contact_point_hash_expr(F.col(c.VALUE)))
        .join(consents, on=c.CONTACT_POINT_HASH, how="inner")
        .groupBy(c.UNIFIED_ID)
        .agg(F.map_from_entries(F.collect_list(F.struct(c.VALUE, c.STATUS))).alias(_STATUSES))
    )
    nothing = F.create_map().cast("map<string,string>")
    joined = audience.join(statuses, on=c.UNIFIED_ID, how="left")
    return joined.withColumn(_STATUSES, F.coalesce(_STATUSES, nothing))


def _contact_points() -> Column:
    return F.array_compact(F.concat(c.EMAILS, c.PHONES, F.array(c.EMAIL, c.PHONE)))


def _no_refusal() -> Column:
    return ~F.exists(F.map_values(_STATUSES), lambda status: status.isin(*_REFUSALS))


def _allowed_contacts(name: str, policy: ConsentPolicy) -> Column:
    def allowed(value: Column) -> Column:
        status = F.try_element_at(F.col(_STATUSES), value)
        return allowed_expr(status, policy=policy)

    column = F.col(name)
    return F.filter(column, allowed) if name in (c.EMAILS, c.PHONES) else F.when(allowed(column), column)
