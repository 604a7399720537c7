"""Who of a segment may be exported, and with which contact points; of all others, why they are withheld."""

from __future__ import annotations

from functools import partial, reduce
from operator import or_
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.config.destination import NO_PURPOSE
from cdp_spark.config.insights.wide_columns import IDENTIFIER
from cdp_spark.config.project import ConsentPolicy
from cdp_spark.config.sending import SEGMENTS
from cdp_spark.tables.consents import allowed_expr
from cdp_spark.tables.hashing import contact_point_hash_expr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.destination import Destination

Reason = Literal["excluded", "suppressed", "held_out", "consent", "capped", "quiet", "below_min", "above_max"]
"""Why a member is withheld: by a segment to exclude, the suppression list, chance, consent, a cap of the channel, quiet
hours, or as there are fewer than `min_members` or more than `max_members`."""
REASON = "withheld_reason"
"""Of an audience: null where the profile may be exported."""
ANY_SILENCE = ConsentPolicy(default="granted")

_REFUSALS = ("denied", "withdrawn")
_LISTS = (c.EMAILS, c.PHONES, f"{IDENTIFIER}cookie_id", f"{IDENTIFIER}device_id")
_STATUSES, _IS_EXCLUDED, _IS_LISTED = "status_by_contact_point", "is_excluded", "is_listed"


def build_audience(
    profiles: DataFrame,
    members: DataFrame,
    contact_point_consents: DataFrame,
    *,
    destination: Destination,
    policy: ConsentPolicy,
    is_suppressed: Callable[[str, str], bool] | None = None,
) -> DataFrame:
    """Decide for each member of the destination's segments whether, and with what, it may be exported.

    The purpose must be allowed by the release's profile and by the newest word on each of its contact points, so a
    consent that was withdrawn since the release counts at once. With a `contact_point`, the profile must have one that
    is allowed by itself; those that are not are left out of every column. With `none` the profile counts. Visitors'
    profiles have no consents: those of their cookies and devices count alone.
    Consents are given by persons: accounts without a purpose are all allowed, only the contact points are left out for
    which something was refused. Members of a segment to exclude are not, nor is who is on the suppression list.

    Args:
        profiles: of the current members, from `build_members`, with the columns of other tables that are wanted.
        members: of the release, spans.
        contact_point_consents: one row per (contact_point_hash, purpose), now.
        destination: names the segments, purpose and contact point.
        policy: what holds where nobody was asked.
        is_suppressed: whether a contact point, by its kind and value, is on the suppression list; None where the list
            is empty.

    Returns:
        one row per current member: the columns that it had, and `withheld_reason`.
    """
    audience = _with_excluded(profiles, members.where(F.col(c.EXITED_AT).isNull()), destination)
    marked = audience.withColumn(_IS_LISTED, _is_listed(audience, is_suppressed))
    if destination.purpose == NO_PURPOSE:
        known = _without_refused(_with_statuses(marked, build_refused_points(contact_point_consents)), ANY_SILENCE)
        is_allowed = F.lit(True)
    else:
        known = _with_statuses(marked, _of_purpose(contact_point_consents, destination.purpose))
        is_allowed = _is_consented(destination, policy)
        if destination.contact_point != "none":
            known = _without_refused(known, policy)
    return known.withColumn(REASON, _reason(is_allowed)).drop(_STATUSES, _IS_EXCLUDED, _IS_LISTED)


def build_members(profiles: DataFrame, members: DataFrame, *, destination: Destination) -> DataFrame:
    """The profiles of the current members of the destination's segments, each once.

    Args:
        profiles: of the release, one row per unified_id.
        members: of the release, spans.
        destination: names the segments.
    Returns: the profiles, with the column `segments` if the destination sends it.
    """
    current = members.where(F.col(c.EXITED_AT).isNull() & F.col(c.SEGMENT).isin(*destination.included))
    if SEGMENTS not in destination.read_columns:
        return profiles.join(current.select(c.UNIFIED_ID), on=c.UNIFIED_ID, how="left_semi")
    named = current.groupBy(c.UNIFIED_ID).agg(F.array_sort(F.collect_set(c.SEGMENT)).alias(SEGMENTS))
    return profiles.join(named, on=c.UNIFIED_ID, how="inner")


def _is_consented(destination: Destination, policy: ConsentPolicy) -> Column:
    """Whether the profile may be exported by its consents, once contact points without one are left out."""
    if destination.contact_point in ("cookie_id", "device_id"):
        points = _column(f"{IDENTIFIER}{destination.contact_point}")
        return _no_refusal() & (F.coalesce(F.size(points), F.lit(0)) > 0)
    of_profile = _allows(destination.purpose, policy)
    if destination.contact_point == "none":
        return of_profile
    return of_profile & F.col(destination.contact_point).isNotNull()


def build_consenting_profiles(
    profiles: DataFrame,
    contact_point_consents: DataFrame,
    *,
    purpose: str,
    policy: ConsentPolicy,
    is_suppressed: Callable[[str, str], bool] | None = None,
) -> DataFrame:
    """Keep the profiles that may be used for a purpose, by the rule of `build_audience`.

    Args:
        profiles: of a release, one row per unified_id.
        contact_point_consents: one row per (contact_point_hash, purpose), now.
        purpose: that must be allowed by the profile, and by the newest word on each of its contact points.
        policy: what holds where nobody was asked.
        is_suppressed: as of `build_audience`.

    Returns: the profiles' columns, without the e-mails and phones that are not allowed by themselves.
    """
    unlisted = profiles.where(~_is_listed(profiles, is_suppressed))
    known = _with_statuses(unlisted, _of_purpose(contact_point_consents, purpose))
    return _without_refused(known.where(_allows(purpose, policy)), policy).select(profiles.columns)


def _of_purpose(contact_point_consents: DataFrame, purpose: str) -> DataFrame:
    return contact_point_consents.where(F.col(c.PURPOSE) == purpose)


def _allows(purpose: str, policy: ConsentPolicy) -> Column:
    """Whether a profile and the newest word on each of its contact points allow a purpose."""
    released = F.try_element_at(F.col(c.CONSENTS), F.lit(purpose))
    return allowed_expr(released, policy=policy) & _no_refusal()


def build_refused_points(contact_point_consents: DataFrame) -> DataFrame:
    """The contact points for which some purpose was refused.

    Returns:
        one row per contact_point_hash with the status `denied`.
    """
    refused = contact_point_consents.where(F.col(c.STATUS).isin(*_REFUSALS)).select(c.CONTACT_POINT_HASH).distinct()
    return refused.withColumn(c.STATUS, F.lit("denied"))


def _with_excluded(audience: DataFrame, current: DataFrame, destination: Destination) -> DataFrame:
    if not destination.exclude:
        return audience.withColumn(_IS_EXCLUDED, F.lit(False))
    left_out = current.where(F.col(c.SEGMENT).isin(*destination.exclude)).select(c.UNIFIED_ID).distinct()
    marked = audience.join(left_out.withColumn(_IS_EXCLUDED, F.lit(True)), on=c.UNIFIED_ID, how="left")
    return marked.withColumn(_IS_EXCLUDED, F.coalesce(_IS_EXCLUDED, F.lit(False)))


def _reason(is_allowed: Column) -> Column:
    """The first reason that keeps a member from being exported; null for none."""
    reasons: dict[Reason, Column] = {
        "excluded": F.col(_IS_EXCLUDED),
        "suppressed": F.col(_IS_LISTED),
        "consent": ~F.coalesce(is_allowed, F.lit(False)),
    }
    return F.coalesce(*(F.when(is_so, F.lit(reason)) for reason, is_so in reasons.items()))


def _is_listed(audience: DataFrame, is_suppressed: Callable[[str, str], bool] | None) -> Column:
    if is_suppressed is None:
        return F.lit(False)
    points = [(kind, _points_of(column)) for kind, column in _kinds(audience).items()]
    return reduce(or_, [_holds(partial(is_suppressed, kind), values) for kind, values in points])


def _holds(rule: Callable[[str], bool], values: Column) -> Column:
    def any_of(lists: pa.Array) -> pa.Array:
        return pa.array([any(map(rule, cell)) for cell in lists.to_pylist()], pa.bool_())

    return F.arrow_udf(any_of, T.BooleanType())(values)  # type: ignore[attr-defined,no-any-return] # Spark's stubs lack it


def _kinds(audience: DataFrame) -> dict[str, tuple[str, ...]]:
    """Kind of contact point to the columns that have one."""
    kinds = {c.EMAIL: (c.EMAIL, c.EMAILS), c.PHONE: (c.PHONE, c.PHONES)}
    wide = {name.removeprefix(IDENTIFIER): (name,) for name in _LISTS if name.startswith(IDENTIFIER)}
    return kinds | {kind: names for kind, names in wide.items() if names[0] in audience.columns}


def _points_of(columns: Iterable[str]) -> Column:
    """All contact points of some columns as one list, which is never null."""
    none = F.array().cast("array<string>")
    lists = [F.coalesce(_column(it), none) if it in _LISTS else F.array(it) for it in columns]
    return F.array_distinct(F.array_compact(F.concat(*lists)))


def _without_refused(known: DataFrame, policy: ConsentPolicy) -> DataFrame:
    names = [name for columns in _kinds(known).values() for name in columns]
    return known.withColumns({name: _allowed_contacts(name, policy) for name in names})


def _with_statuses(audience: DataFrame, consents: DataFrame) -> DataFrame:
    """Put the newest statuses of a profile's contact points beside it, as a map from value to status; never null."""
    columns = [name for names in _kinds(audience).values() for name in names]
    points = audience.select(c.UNIFIED_ID, F.explode(_points_of(columns)).alias(c.VALUE))
    statuses = (
        points.withColumn(c.CONTACT_POINT_HASH, contact_point_hash_expr(F.col(c.VALUE)))
        .join(consents, on=c.CONTACT_POINT_HASH, how="inner")
        .groupBy(c.UNIFIED_ID)
        .agg(F.map_from_entries(F.collect_list(F.struct(c.VALUE, c.STATUS))).alias(_STATUSES))
    )
    nothing = F.create_map().cast("map<string,string>")
    joined = audience.join(statuses, on=c.UNIFIED_ID, how="left")
    return joined.withColumn(_STATUSES, F.coalesce(_STATUSES, nothing))


def _no_refusal() -> Column:
    return ~F.exists(F.map_values(_STATUSES), lambda status: status.isin(*_REFUSALS))


def _allowed_contacts(name: str, policy: ConsentPolicy) -> Column:
    def allowed(value: Column) -> Column:
        status = F.try_element_at(F.col(_STATUSES), value)
        return allowed_expr(status, policy=policy)

    column = _column(name)
    return F.filter(column, allowed) if name in _LISTS else F.when(allowed(column), column)


def _column(name: str) -> Column:
    return F.col(f"`{name}`")
