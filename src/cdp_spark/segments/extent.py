"""Who has to be asked: everyone of some segments, of the others only those of whom a value or a trait changed.

A segment that asks the day, other profiles or a model is asked of everyone. Of the others nobody moves whose profile is
as the last release was made of; members among them are read only to be written again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.segments.clock import find_own
from cdp_spark.segments.relations import asked_columns
from cdp_spark.segments.traits import asked_traits, changed_people
from cdp_spark.tables.catalog import PROFILES, TRAITS
from cdp_spark.tables.checkpoint import unite_distinct
from cdp_spark.tables.increments.difference import read_changed

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from cdp_spark.config.project import Project
    from cdp_spark.tables.checkpoint import CountedFrame
    from cdp_spark.tables.run import RunContext
    from cdp_spark.tables.spec import TableSpec


@dataclass(frozen=True)
class Extent:
    """What a run asks.

    Args:
        own: segments that are asked of `people` only; all others are asked of everyone.
        people: unified ids of profiles that differ from those of the last release.
    """

    own: frozenset[str]
    people: CountedFrame

    def parts_of(self, project: Project) -> tuple[Project, Project]:
        """The project with the segments that are asked of everyone, and with those that are asked of some."""
        others = tuple(it for it in project.segments if it.name not in self.own)
        own = tuple(it for it in project.segments if it.name in self.own)
        return project.model_copy(update={"segments": others}), project.model_copy(update={"segments": own})

    def of_people(self, context: RunContext, spec: TableSpec) -> DataFrame:
        """The rows of these people, of a table with unified ids."""
        return context.store.read(spec).join(self.people.joinable, on=c.UNIFIED_ID, how="left_semi")

    def asked_again(self, spans: DataFrame) -> DataFrame:
        """The spans whose segments were asked of their people."""
        is_own = F.col(c.SEGMENT).isin(*self.own)
        again = spans.where(is_own).join(self.people.joinable, on=c.UNIFIED_ID, how="left_semi")
        return spans.where(~is_own).unionByName(again.select(*spans.columns))

    def left_alone(self, spans: DataFrame) -> DataFrame:
        """All other spans."""
        own = spans.where(F.col(c.SEGMENT).isin(*self.own))
        return own.join(self.people.joinable, on=c.UNIFIED_ID, how="left_anti").select(*spans.columns)


def find_extent(context: RunContext) -> Extent | None:
    """Find out who has to be asked (an action); None where all segments are asked of everyone."""
    basis, own = context.basis, find_own(context.project)
    if basis is None or basis.as_of == context.as_of or not own:
        return None
    asked = [it for it in context.project.segments if it.name in own]
    columns = sorted({c.ENTITY_TYPE, *asked_columns(asked)} & {*PROFILES.schema.names})
    changed = read_changed(context, PROFILES, key=(c.UNIFIED_ID,), columns=columns)
    return Extent(own, unite_distinct([changed, *_with_other_traits(context, own)]))


def _with_other_traits(context: RunContext, own: frozenset[str]) -> list[DataFrame]:
    """Whose traits changed, of those that some segments read; their spans tell since the last release."""
    basis, segments = context.basis, tuple(it for it in context.project.segments if it.name in own)
    asked = asked_traits(context.project.model_copy(update={"segments": segments}))
    if basis is None or not asked:
        return []
    if context.base_versions.get(TRAITS.name, -1) != basis.read[TRAITS.name]:
        return [read_changed(context, TRAITS, key=(c.UNIFIED_ID,))]
    return [changed_people(context.store.read(TRAITS), asked, as_of=context.as_of)]
