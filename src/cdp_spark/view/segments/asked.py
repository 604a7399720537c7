"""Segments as they are defined now, asked of a release's profiles: sizes, members, reasons, differences.

Nothing is run or written. The clock is the one that the release's memberships have, so that whatever differs from the
release comes from the definitions; another clock may be asked for.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cdp_spark import columns as c
from cdp_spark.errors import ConfigError
from cdp_spark.segments.answers import (
    COUNT,
    EARLIER,
    EXAMPLES,
    TRUTHS,
    AskedProfiles,
    ask,
    build_members_now,
    count_members,
    fetch_answers,
    fetch_differences,
    fetch_members,
)
from cdp_spark.segments.changes import ENTER, EXIT
from cdp_spark.segments.tree import Changed, asked_values, find_changed, find_deciding, values_of
from cdp_spark.tables.rows import as_table
from cdp_spark.view.find import find_ids
from cdp_spark.view.segments.model import (
    DecidingCondition,
    Explanation,
    Judged,
    Overlap,
    Preview,
    SegmentDifference,
    SegmentSize,
)
from cdp_spark.view.segments.released import ReleasedSegments, count_overlap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from cdp_spark.config.project import Project
    from cdp_spark.segments.answers import SegmentAnswer
    from cdp_spark.segments.tree import ConditionPart, Truth
    from cdp_spark.view.warehouse import ReleasedWarehouse

    Row = Mapping[str, Any]

_EXAMPLES = 5
_GONE = "the project no longer has this segment"


@dataclass(frozen=True)
class AskedSegments:
    """The segments of a project, asked of the profiles of a release.

    Args:
        warehouse: at the release.
        project: as it is configured now.
        as_of: UTC; the clock to ask with; None takes the release's.
    """

    warehouse: ReleasedWarehouse
    project: Project
    as_of: datetime | None = None

    @cached_property
    def released(self) -> ReleasedSegments:
        """The same segments, as the release has them."""
        return ReleasedSegments(self.warehouse, self.project)

    @property
    def clock(self) -> datetime:
        """The clock that conditions on time are asked with, UTC."""
        return self.as_of or self.released.evaluated.as_of

    def sizes(self, names: Sequence[str] = ()) -> tuple[SegmentSize, ...]:
        """Count the members that segments would have, beside those that they have.

        Args:
            names: of segments; none for all.

        Raises:
            ConfigError: the project does not have one of them.
        """
        chosen = self._chosen(names)
        released, now = self.released.sizes, count_members(self._asked)
        return tuple(SegmentSize(name, now[name], released.get(name)) for name in chosen)

    def preview(self, name: str, limit: int) -> Preview:
        """Show some members that a segment would have, and how many there would be.

        Args:
            name: of the segment.
            limit: members to show, the first by unified_id.

        Raises:
            ConfigError: the project does not have it.
        """
        self.released.find(name)
        members = fetch_members(self._asked, name, limit)
        people = self.released.name_people(it[c.UNIFIED_ID] for it in members)
        asked = values_of(self._asked.trees[name])
        shown = [
            {**_without_type(people[row[c.UNIFIED_ID]]), **{it.name: it.value_in(row) for it in asked}}
            for row in members
        ]
        return Preview(name, count_members(self._asked)[name], tuple(shown))

    def overlap(self, names: Sequence[str] = ()) -> Overlap:
        """Count the members that segments would have in common.

        Args:
            names: of segments; none for all.

        Raises:
            ConfigError: the project does not have one of them.
        """
        chosen = self._chosen(names)
        return count_overlap(as_table(build_members_now(self._asked)), chosen)

    def explain(self, name: str, reference: str) -> tuple[Explanation, ...]:
        """Say why somebody is or is not in a segment; several answers where people share an e-mail or phone.

        Args:
            name: of the segment.
            reference: a unified id, a record, an e-mail address or a phone.

        Raises:
            ConfigError: the project does not have the segment.
            DataError: nobody has the reference.
        """
        self.released.find(name)
        ids = find_ids(self.warehouse, reference, command="cdp segments explain")
        people = self.released.name_people(ids)
        answers = fetch_answers(self._asked, name, ids)
        return tuple(self._explanation(name, people[it], answers[it]) for it in ids)

    def differences(
        self, names: Sequence[str] = (), *, earlier: Project | None = None
    ) -> tuple[SegmentDifference, ...]:
        """Say whom publishing the definitions as they are would bring in and take out, and which conditions decide.

        Args:
            names: of segments; none for all, those that the project no longer has included.
            earlier: the project that the release was made with; without it conditions that are gone cannot be named.

        Raises:
            ConfigError: the project does not have one of them, or the earlier project is not the release's.
        """
        chosen = self._chosen(names)
        before = self._earlier(earlier, chosen) if earlier is not None else None
        rows = fetch_differences(self._asked, chosen, before) if chosen else []
        people = self.released.name_people(it for row in rows for it in row[EXAMPLES])
        found = [
            self._difference(name, [it for it in rows if it[c.SEGMENT] == name], people, before) for name in chosen
        ]
        gone = [] if names else sorted(set(self.released.sizes) - set(chosen))
        return (*found, *map(self._gone, gone))

    @cached_property
    def _asked(self) -> AskedProfiles:
        return ask(self.project, self.warehouse.read, as_of=self.clock)

    def _chosen(self, names: Sequence[str]) -> tuple[str, ...]:
        asked = tuple(dict.fromkeys(names)) or tuple(sorted(it.name for it in self.project.segments))
        return tuple(self.released.find(name).name for name in asked)

    def _explanation(self, name: str, person: Row, answer: SegmentAnswer) -> Explanation:
        memberships = self.released.memberships(name, person[c.UNIFIED_ID])
        return Explanation(
            segment=name,
            unified_id=person[c.UNIFIED_ID],
            name=person["name"],
            entity_type=person[c.ENTITY_TYPE],
            release=self.warehouse.release.number,
            as_of=self.clock,
            is_member=answer.is_member,
            was_member=any(it.exited_at is None for it in memberships),
            segment_type=self.released.find(name).entity_type,
            decided_by=find_deciding(self._asked.trees[name], answer.truths),
            memberships=memberships,
            conditions=_judge(self._asked.trees[name], iter(answer.truths), answer.row),
        )

    def _earlier(self, project: Project, names: Sequence[str]) -> AskedProfiles:
        earlier = ask(project, self.warehouse.read, as_of=self.clock)
        made_with = self.released.definition_hashes()
        others = [it for it in names if it in made_with and earlier.segments[it].definition_hash != made_with[it]]
        if others:
            got = f"other definitions of {', '.join(others)} than release {self.warehouse.release.number} was made with"
            raise ConfigError(f"--before {project.folder}", got=got, fix="check out the project as it was then")
        return earlier

    def _difference(
        self, name: str, rows: Sequence[Row], people: Mapping[str, Row], earlier: AskedProfiles | None
    ) -> SegmentDifference:
        moved = {change: sum(it[COUNT] for it in rows if it[c.CHANGE] == change) for change in (ENTER, EXIT)}
        before = self.released.sizes.get(name)
        return SegmentDifference(
            segment=name,
            released=before,
            now=(before or 0) + moved[ENTER] - moved[EXIT],
            enters=moved[ENTER],
            exits=moved[EXIT],
            decided_by=_count_deciding(rows, self._asked.trees[name], earlier.trees.get(name) if earlier else None),
            examples={
                change: tuple(
                    _without_type(people[it])
                    for it in sorted(who for row in rows if row[c.CHANGE] == change for who in row[EXAMPLES])
                )
                for change in (ENTER, EXIT)
            },
        )

    def _gone(self, name: str) -> SegmentDifference:
        size = self.released.sizes[name]
        some = self.released.name_people(self.released.some_members(name, _EXAMPLES))
        examples = {ENTER: (), EXIT: tuple(map(_without_type, some.values()))}
        decided = (DecidingCondition(EXIT, _GONE, "now", size),)
        return SegmentDifference(name, size, None, 0, size, decided, examples)


def _judge(part: ConditionPart, truths: Iterator[Truth], row: Row) -> Judged:
    truth = next(truths)
    parts = tuple(_judge(it, truths, row) for it in part.parts)
    values = {it.name: it.value_in(row) for it in asked_values(part.condition)} if part.kind == "leaf" else {}
    return Judged(part.text, truth, values, parts)


def _count_deciding(
    rows: Iterable[Row], tree: ConditionPart, earlier: ConditionPart | None
) -> tuple[DecidingCondition, ...]:
    counts: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        if earlier is None or row[EARLIER] is None:
            decides = Changed(find_deciding(tree, row[TRUTHS]))
        else:
            decides = find_changed(tree, row[TRUTHS], earlier, row[EARLIER])
        for definition, conditions in (("now", decides.now), ("before", decides.before)):
            counts.update({(row[c.CHANGE], it, definition): row[COUNT] for it in conditions})
    ranked = sorted(counts.items(), key=lambda it: (it[0][0], -it[1], it[0]))
    return tuple(DecidingCondition(*key, people) for key, people in ranked)


def _without_type(person: Row) -> dict[str, Any]:
    return {name: value for name, value in person.items() if name != c.ENTITY_TYPE}
