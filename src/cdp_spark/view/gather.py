"""Read everything that a release knows about one profile; a dozen small reads, none of them a Spark query in a folder.

A view begins with the profile's row. Its records give the links that hold them together and the identifiers; its id
gives consents, segments, relations, insights and events. A household is gathered from its people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.clustering.identifiers.links import linking_types
from cdp_spark.clustering.kinds import PERSON, VISITOR
from cdp_spark.clustering.labels import keep_current_labels
from cdp_spark.config.match import ClusteringConfig
from cdp_spark.errors import DataError
from cdp_spark.normalise.people.contact_points import contact_point_hash
from cdp_spark.tables.catalog import (
    ACCOUNT_HIERARCHY,
    ACCOUNT_MEMBERS,
    CONSENTS,
    HOUSEHOLDS,
    IDENTIFIERS,
    LABELS,
    PAIR_SCORES,
    PROFILE_HISTORY,
    PROFILE_VALUES,
    PROFILES,
    RECORDS,
    SEGMENT_MEMBERS,
    TABLES,
    TRAITS,
    UNIFIED_EVENTS,
    UNIFIED_IDS,
)
from cdp_spark.tables.rows import texts
from cdp_spark.view import facts
from cdp_spark.view.find import SHOW, find_household, find_ids
from cdp_spark.view.insights import BUILDERS, in_days
from cdp_spark.view.model import Attribute, ProfileView, Section
from cdp_spark.view.sureness import judge, weigh_links
from cdp_spark.view.timeline import EVENT_COLUMNS, build_timeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from cdp_spark.config.project import Project
    from cdp_spark.tables.spec import TableSpec
    from cdp_spark.view.model import Event, Identity
    from cdp_spark.view.warehouse import ReleasedWarehouse

    Row = Mapping[str, Any]

_TRUE = pa.array([True])
_ADDRESS = (c.STREET, c.HOUSE_NUMBER, c.UNIT, c.POSTCODE, c.CITY, c.COUNTRY)
"""What the people of a household have in common."""


@dataclass(frozen=True)
class Gatherer:
    """Gathers views from a release.

    Args:
        warehouse: at the release.
        project: says what links records, and which purposes there are.
        at: UTC; the time to show; None is now.
    """

    warehouse: ReleasedWarehouse
    project: Project
    at: datetime | None = None

    @property
    def _clock(self) -> datetime:
        """The time that is shown."""
        return self.at or self.warehouse.release.published_at

    def find(self, reference: str) -> tuple[ProfileView, ...]:
        """Gather the views of what a reference stands for: several where people share an e-mail or phone.

        Raises:
            DataError: nobody has it, or had a profile at that time.
        """
        asked = reference.strip()
        if find_household(self.warehouse, asked):
            return (self._household(asked),)
        ids = find_ids(self.warehouse, asked, at=self.at, forms=self.project.identifiers.forms)
        return tuple(self._profile(it, asked) for it in ids)

    def _profile(self, unified_id: str, asked: str) -> ProfileView:
        profile = self._row(unified_id)
        records, values = self._records(unified_id), self._fetch(PROFILE_VALUES, {c.UNIFIED_ID: [unified_id]})
        titles = {it[c.RECORD_KEY]: facts.record_title(it) for it in records}
        origins = values if self.at is None else []
        return ProfileView(
            unified_id=unified_id,
            entity_type=profile[c.ENTITY_TYPE],
            name=facts.name_profile(profile),
            release=self.warehouse.release.number,
            as_of=self._clock,
            is_past=self.at is not None,
            merged_from=asked if self._is_merged(asked, unified_id) else None,
            attributes=facts.build_attributes(profile, origins, titles),
            identity=self._identity(profile[c.ENTITY_TYPE], records, titles),
            records=facts.build_records(records, values),
            sections=tuple(self._sections(profile, titles)),
            timeline=self._timeline([unified_id]),
        )

    def _sections(self, profile: Row, titles: Mapping[str, str]) -> Iterable[Section]:
        unified_id = profile[c.UNIFIED_ID]
        insights = {it.name: it for it in self._insights(unified_id)}
        yield from (insights.pop(name) for name in ("offers", "scores", "traits") if name in insights)
        yield facts.build_segments(self._segments(unified_id), self.at)
        if profile[c.ENTITY_TYPE] != VISITOR:
            yield self._consents(profile)
        yield from self._relations(profile, titles)
        yield facts.build_identifiers(self._fetch(IDENTIFIERS, {c.RECORD_KEY: titles}), titles)
        yield from insights.values()

    def _household(self, household_id: str) -> ProfileView:
        members = self._fetch(HOUSEHOLDS, {c.HOUSEHOLD_ID: [household_id]})
        ids = [it[c.UNIFIED_ID] for it in members]
        people = self._fetch(PROFILES, {c.UNIFIED_ID: ids}, (*facts.NAMING_COLUMNS, *_ADDRESS))
        names = {it[c.UNIFIED_ID]: facts.name_profile(it) for it in people}
        home = min(people, key=lambda it: str(it[c.UNIFIED_ID]), default={})
        families = dict.fromkeys(sorted(it[c.FAMILY_NAME] for it in people if it[c.FAMILY_NAME]))
        return ProfileView(
            unified_id=household_id,
            entity_type="household",
            name=f"Household {', '.join(families)}".strip(),
            release=self.warehouse.release.number,
            as_of=self._clock,
            is_past=self.at is not None,
            attributes=tuple(Attribute(name, home[name]) for name in _ADDRESS if home.get(name)),
            sections=(facts.build_household(members, names),),
            timeline=self._timeline(ids, names),
        )

    def _row(self, unified_id: str) -> Row:
        spec = PROFILES if self.at is None else PROFILE_HISTORY
        rows = self._fetch(spec, {c.UNIFIED_ID: [unified_id]})
        if self.at is not None:
            rows = [it for it in rows if facts.holds(it, self.at)]
        if not rows:
            got = f"{unified_id}, which had no profile" + (f" at {self.at.isoformat()}" if self.at else "")
            raise DataError(SHOW, got=got, fix="leave --at away, or choose a later time")
        return {name: rows[0][name] for name in PROFILES.schema.names}

    def _records(self, unified_id: str) -> list[dict[str, Any]]:
        keys = self._fetch(UNIFIED_IDS, {c.UNIFIED_ID: [unified_id]}, (c.RECORD_KEY,))
        return self._fetch(RECORDS, {c.RECORD_KEY: [it[c.RECORD_KEY] for it in keys]})

    def _identity(self, entity_type: str, records: Sequence[Row], titles: Mapping[str, str]) -> Identity:
        own = {it[c.RECORD_KEY]: titles[it[c.RECORD_KEY]] for it in records if it[c.ENTITY_TYPE] != VISITOR}
        match = self.project.match.entities.get(entity_type)
        clustering = match.clustering if match else ClusteringConfig()
        weights = self._weights(entity_type, list(own)) if len(own) > 1 else {}
        visitors = len(records) - len(own)
        return judge(own, weights, visitors=visitors, missing_weight=clustering.missing_weight)

    def _weights(self, entity_type: str, keys: list[str]) -> dict[tuple[str, str], float]:
        linking = linking_types(self.project)[0] if entity_type == PERSON else []
        ends = {c.RECORD_KEY_L: texts(keys), c.RECORD_KEY_R: texts(keys)}
        named = (c.RECORD_KEY_L, c.RECORD_KEY_R, c.WEIGHT_LOG2, c.DETERMINISTIC)
        scores = self.warehouse.fetch(PAIR_SCORES, named, only=ends)
        labels = keep_current_labels(self.warehouse.fetch(LABELS, only=ends))
        held = (c.RECORD_KEY, c.TYPE, c.VALUE_HASH, c.USABLE, c.ENTITY_TYPE)
        of_type = {c.TYPE: texts(linking), c.USABLE: _TRUE, c.ENTITY_TYPE: texts([entity_type])}
        own = self.warehouse.fetch(IDENTIFIERS, held, only={c.RECORD_KEY: texts(keys), **of_type})
        values = texts(set(own[c.VALUE_HASH].to_pylist()))
        holders = self.warehouse.fetch(IDENTIFIERS, held, only={c.VALUE_HASH: values, **of_type})
        return weigh_links(scores, labels, holders, linking=linking, keys=keys)

    def _segments(self, unified_id: str) -> list[dict[str, Any]]:
        spans = self._fetch(SEGMENT_MEMBERS, {c.UNIFIED_ID: [unified_id]})
        return [it for it in spans if facts.holds(it, self.at, start=c.ENTERED_AT, end=c.EXITED_AT)]

    def _consents(self, profile: Row) -> Section:
        points = {contact_point_hash(it): it for it in (*profile[c.EMAILS], *profile[c.PHONES])}
        given = self._fetch(CONSENTS, {c.CONTACT_POINT_HASH: points})
        given = [it for it in given if self.at is None or it[c.GIVEN_AT] <= self.at]
        purposes = self.project.settings.consent.purposes
        return facts.build_consents(given, dict(profile[c.CONSENTS]), points, purposes=purposes)

    def _relations(self, profile: Row, titles: Mapping[str, str]) -> Iterable[Section]:
        unified_id = profile[c.UNIFIED_ID]
        if profile[c.ENTITY_TYPE] == "account":
            yield self._hierarchy(unified_id)
            members = self._fetch(ACCOUNT_MEMBERS, {c.ACCOUNT_ID: [unified_id]})
            yield facts.build_people(members, self._names(it[c.UNIFIED_ID] for it in members))
        elif profile[c.ENTITY_TYPE] == PERSON:
            members = self._fetch(ACCOUNT_MEMBERS, {c.UNIFIED_ID: [unified_id]})
            yield facts.build_accounts(members, self._names(it[c.ACCOUNT_ID] for it in members), titles)
            own = self._fetch(HOUSEHOLDS, {c.UNIFIED_ID: [unified_id]}, (c.HOUSEHOLD_ID,))
            shared = self._fetch(HOUSEHOLDS, {c.HOUSEHOLD_ID: [it[c.HOUSEHOLD_ID] for it in own]})
            yield facts.build_household(shared, self._names(it[c.UNIFIED_ID] for it in shared))

    def _hierarchy(self, account_id: str) -> Section:
        own = self._fetch(ACCOUNT_HIERARCHY, {c.UNIFIED_ID: [account_id]}, (c.ULTIMATE_PARENT_ID,))
        tree = self._fetch(ACCOUNT_HIERARCHY, {c.ULTIMATE_PARENT_ID: [it[c.ULTIMATE_PARENT_ID] for it in own]})
        return facts.build_hierarchy(tree, account_id, self._names(it[c.UNIFIED_ID] for it in tree))

    def _names(self, ids: Iterable[str]) -> dict[str, str]:
        rows = self._fetch(PROFILES, {c.UNIFIED_ID: set(ids)}, facts.NAMING_COLUMNS)
        return {it[c.UNIFIED_ID]: facts.name_profile(it) for it in rows}

    def _insights(self, unified_id: str) -> Iterable[Section]:
        """What the release's tables of insights say; a table that is not made gives no section."""
        for name, build in BUILDERS.items():
            if name in TABLES and name in self.warehouse.release.versions:
                rows = self._fetch(TABLES[name], {c.UNIFIED_ID: [unified_id]})
                yield build(in_days(rows, self._clock) if name == TRAITS.name else rows, self.at)

    def _timeline(self, ids: Sequence[str], names: Mapping[str, str] | None = None) -> tuple[Event, ...]:
        events = self.warehouse.fetch(UNIFIED_EVENTS, EVENT_COLUMNS, only={c.UNIFIED_ID: texts(ids)})
        return build_timeline(events, names=names, until=self.at)

    def _is_merged(self, asked: str, unified_id: str) -> bool:
        return asked != unified_id and not any(sign in asked for sign in "@:+")

    def _fetch(
        self, spec: TableSpec, wanted: Mapping[str, Iterable[str]], columns: Sequence[str] | None = None
    ) -> list[dict[str, Any]]:
        only = {name: texts(values) for name, values in wanted.items()}
        if not any(len(values) for values in only.values()):
            return []
        rows: list[dict[str, Any]] = self.warehouse.fetch(spec, columns, only=only).to_pylist()
        return rows
