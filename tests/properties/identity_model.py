"""The rules of stable ids once more, in plain Python on small tables: the model that the product is held against."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace

from tests.identity_night import (
    NAMESPACE,
)

from cdp_spark.identity.terms import CAUSES


@dataclass(frozen=True)
class Night:
    """Input of a night: cluster and identifier of each record that is there, and the records that changed.

    Before it the people of some records are erased, which others were beside.
    """

    clusters: dict[str, int]
    identifiers: dict[str, str]
    changed: frozenset[str] = frozenset()
    erased: frozenset[str] = frozenset()
    beside: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Entry:
    """A row of the registry."""

    status: str
    merged_into: str | None
    split_from: str | None
    created: int
    closed: int | None
    cause: str


@dataclass
class Model:
    """The rules once more, as one would do them by hand on a small table."""

    ids: dict[str, str] = field(default_factory=dict)
    registry: dict[str, Entry] = field(default_factory=dict)
    log: list[tuple[int, str, str, str | None, str, str]] = field(default_factory=list)

    def erase(self, records: frozenset[str], release: int) -> None:
        """The people whose records these are go, with all that is theirs; their ids are never given again."""
        ids = {self.ids[record] for record in records if record in self.ids}
        gone = {record: held for record, held in self.ids.items() if held in ids}
        self.log += [(release, record, held, held, "erased", "erasure") for record, held in gone.items()]
        self.ids = {record: held for record, held in self.ids.items() if held not in ids}
        for held in ids:
            self.registry[held] = replace(self.registry[held], status="closed", closed=release, cause="erasure")

    def night(self, night: Night, release: int) -> None:
        clusters = clusters_by_key(night)
        edges = self._ranked_edges(clusters, night)
        served = _greedy(edges)
        key_of = {record: key for key, records in clusters.items() for record in records}
        new_id = {key: str(uuid.uuid5(NAMESPACE, f"{release}:{key}")) for key in clusters}
        id_of = {key: served.get(key, new_id[key]) for key in clusters}
        after = {record: id_of[key] for record, key in key_of.items()}
        live = [edge for edge in edges if self.registry[edge[4]].status == "live"]
        merged = {edge[4]: id_of[edge[5]] for edge in reversed(live) if edge[4] not in served.values()}
        split = {id_of[edge[5]]: edge[4] for edge in reversed(live) if edge[5] not in served}
        tonight = self._changes(after, merged, _causes(self.ids, after, night), release)
        self._register(tonight, set(after.values()), merged, split, release)
        self.log += tonight
        self.ids = after

    def _ranked_edges(self, clusters: dict[str, set[str]], night: Night) -> list[tuple[int, int, int, int, str, str]]:
        holders = defaultdict(set)
        for record, held in self.ids.items():
            holders[held].add(record)
        overlap = {
            (key, held): len(clusters[key] & holders[held])
            for key in clusters
            for held in holders
            if clusters[key] & holders[held]
        }
        former = self._former_holders()
        returns = self._returns(clusters, former)
        undone = self._undone(overlap, returns, former, holders, clusters)
        tiers = {pair: 1 if pair in undone else 0 for pair in overlap}
        given_back = {(key, returns[key]) for key, _ in undone}
        tiers |= {(key, gone): 0 if (key, gone) in given_back else 2 for key, gone in returns.items()}
        edges = []
        for (key, held), tier in tiers.items():
            records = holders.get(held) or former[held]
            mine = {night.identifiers[record] for record in clusters[key] if record in night.identifiers}
            theirs = {night.identifiers[record] for record in records if record in night.identifiers}
            shared_records = len(clusters[key] & records)
            edges.append((tier, -len(mine & theirs), -shared_records, self.registry[held].created, held, key))
        return sorted(edges)

    def _former_holders(self) -> dict[str, set[str]]:
        former: dict[str, set[str]] = defaultdict(set)
        erased = {record for _, record, _, _, change, _ in self.log if change == "erased"}
        for release, record, _, previous, change, _ in self.log:
            entry = self.registry.get(previous) if previous else None
            gone = entry is not None and entry.status != "live" and entry.cause != "erasure" and record not in erased
            if previous and entry and gone and (change == "removed" or release == entry.closed):
                former[previous].add(record)
        return former

    def _returns(self, clusters: dict[str, set[str]], former: dict[str, set[str]]) -> dict[str, str]:
        offers: dict[str, list[tuple[int, int, int, str]]] = defaultdict(list)
        for gone, records in former.items():
            counts = {key: len(records & members) for key, members in clusters.items() if records & members}
            for key, count in counts.items():
                if count == max(counts.values()):
                    entry = self.registry[gone]
                    offers[key].append((-count, entry.closed or 0, entry.created, gone))
        return {key: min(offer)[3] for key, offer in offers.items()}

    @staticmethod
    def _undone(
        overlap: dict[tuple[str, str], int],
        returns: dict[str, str],
        former: dict[str, set[str]],
        holders: dict[str, set[str]],
        clusters: dict[str, set[str]],
    ) -> set[tuple[str, str]]:
        undone = set()
        parts = Counter(held for _, held in overlap)
        for held in parts:
            came = [
                key
                for key, other in overlap
                if other == held
                and key in returns
                and 2 * len(former[returns[key]] & holders[held] & clusters[key]) > overlap[key, held]
            ]
            if 0 < len(came) < parts[held]:
                undone |= {(key, held) for key in came}
        return undone

    def _changes(
        self, after: dict[str, str], merged: dict[str, str], causes: dict[str, str], release: int
    ) -> list[tuple[int, str, str, str | None, str, str]]:
        rows = []
        for record in self.ids.keys() | after.keys():
            before, now = self.ids.get(record), after.get(record)
            if before != now:
                change = self._change(before, now, merged)
                cause = causes.get(before, "") if before and now else "new_record" if now else "removed_record"
                rows.append((release, record, now or before or "", before, change, cause))
        return rows

    def _change(self, before: str | None, now: str | None, merged: dict[str, str]) -> str:
        if now is None:
            return "removed"
        if now in self.registry and self.registry[now].status != "live":
            return "resurrected"
        if before is None:
            return "absorbed" if now in self.registry else "created"
        if now not in self.registry:
            return "split"
        return "merged" if merged.get(before) == now else "moved"

    def _register(
        self,
        tonight: list[tuple[int, str, str, str | None, str, str]],
        live: set[str],
        merged: dict[str, str],
        split: dict[str, str],
        release: int,
    ) -> None:
        by_key = sorted(tonight, key=lambda row: row[1])
        for born in live:
            entry = self.registry.get(born)
            if entry is None or entry.status != "live":
                rows = [row for row in by_key if row[2] == born and row[4] != "removed"]
                cause = min(rows, key=lambda row: (row[3] is None, row[1]))[5]
                created = entry.created if entry else release
                split_from = entry.split_from if entry else split.get(born)
                self.registry[born] = Entry("live", None, split_from, created, None, cause)
        for died in [held for held, entry in self.registry.items() if entry.status == "live" and held not in live]:
            rows = [row for row in by_key if row[3] == died]
            cause = min(rows, key=lambda row: (row[4] == "removed", row[1]))[5]
            target = merged.get(died)
            status = "merged" if target else "closed"
            self.registry[died] = replace(
                self.registry[died], status=status, merged_into=target, closed=release, cause=cause
            )


def clusters_by_key(night: Night) -> dict[str, set[str]]:
    groups = defaultdict(set)
    for record, cluster in night.clusters.items():
        groups[record.split("-")[0], entity_of(record), cluster].add(record)
    return {min(records): records for records in groups.values()}


def _greedy(edges: list[tuple[int, int, int, int, str, str]]) -> dict[str, str]:
    served: dict[str, str] = {}
    for *_, held, key in edges:
        if key not in served and held not in served.values():
            served[key] = held
    return served


def _causes(before: dict[str, str], after: dict[str, str], night: Night) -> dict[str, str]:
    causes = {}
    for held in set(before.values()):
        records = {record for record, old in before.items() if old == held}
        now = {after[record] for record in records if record in after}
        witnesses = records | {record for record, new in after.items() if new in now}
        named = {"changed_value" for record in witnesses if record in night.changed}
        named |= {"erasure" for record in witnesses if record in night.beside}
        named |= {"new_record" for record in witnesses if record not in before}
        named |= {"removed_record" for record in witnesses if record not in after}
        causes[held] = next((cause for cause in CAUSES if cause in named), "model")
    return causes


def entity_of(record: str) -> str:
    return "account" if record.endswith(("0", "1")) else "person"
