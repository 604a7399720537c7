"""The stage table: what runs, in which order, and which tables each stage reads and writes.

A stage reads tables and writes tables; it never calls another one. What it may touch is its row here: its warehouse
refuses any other table (`TableAccess`). A run takes the stages of `NIGHTLY`, or some of them in a row; an erasure takes
those of `ERASING`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cdp_spark.activation.stage import run as activate
from cdp_spark.behaviour.stage_behaviour import run as follow_behaviour
from cdp_spark.behaviour.stage_sessions import run as make_sessions
from cdp_spark.clustering.stage import run as cluster
from cdp_spark.errors import ConfigError
from cdp_spark.events.stage import run as stitch_events
from cdp_spark.experiments.stage import run as experiment
from cdp_spark.identity.stage import run as assign_ids
from cdp_spark.ingest.stage import run as ingest
from cdp_spark.privacy.notice import run as notify
from cdp_spark.privacy.rules import RULES
from cdp_spark.privacy.stage import run as erase
from cdp_spark.privacy.vacuum import run as vacuum
from cdp_spark.profiles.stage import run as build_profiles
from cdp_spark.quality.stage import run as measure_quality
from cdp_spark.relations.stage import run as relate
from cdp_spark.resolution.stage import run as match
from cdp_spark.runs.publish import expire, publish
from cdp_spark.runs.run_log import ERASURE
from cdp_spark.scores.stage import run as score
from cdp_spark.scores.stage_offers import run as offer
from cdp_spark.segments.stage import run as evaluate_segments
from cdp_spark.standardise.stage import run as standardise
from cdp_spark.tables import catalog as t
from cdp_spark.tables.run import RunContext, StageResult, TableAccess
from cdp_spark.traits.stage import run as make_traits

if TYPE_CHECKING:
    from cdp_spark.tables.spec import TableSpec


Work = Callable[[RunContext], StageResult]
"""What a stage does."""

IDENTITY, PUBLISH, ACTIVATION = "identity", "publish", "activation"
AFTER_IDENTITY = (
    *("events", "sessions", "profiles", "relations"),
    *("behaviour", "scores", "traits", "offers", "segments", "experiments"),
)
"""The stages that make the other gold tables."""
EXPIRE, VACUUM, NOTICE = "expire", "vacuum", "notice"


@dataclass(frozen=True)
class Stage:
    """A row of the stage table.

    Args:
        name: of the stage.
        work: its function.
        does: what it does, as a sentence.
        reads: tables that an earlier stage of the run wrote, or that come from outside the runs.
        writes: tables of which it makes all rows, an erasure's changes apart; it may read them, too.
        logs: tables that other stages append to as well; it may read them, too.
        earlier: tables that it reads as earlier runs left them.
    """

    name: str
    work: Work
    does: str
    reads: tuple[TableSpec, ...] = ()
    writes: tuple[TableSpec, ...] = ()
    logs: tuple[TableSpec, ...] = ()
    earlier: tuple[TableSpec, ...] = ()

    @property
    def access(self) -> TableAccess:
        """What the stage may read and write."""
        written = (*self.writes, *self.logs)
        read = (*self.reads, *self.earlier, *written)
        return TableAccess(self.name, frozenset(it.name for it in read), frozenset(it.name for it in written))


NIGHTLY: tuple[Stage, ...] = (
    Stage(
        "ingest",
        ingest,
        "Reads the sources' new rows, checks them, and keeps them as received.",
        reads=(t.SUPPRESSIONS,),
        writes=(
            t.SOURCE_RECORDS,
            t.SOURCE_EVENTS,
            t.SOURCE_ORDER_LINES,
            t.SOURCE_SNAPSHOTS,
            t.SOURCE_DELIVERIES,
            t.PRODUCTS,
            t.CURRENCY_RATES,
            t.CONSENTS,
            t.WITHDRAWAL_ISSUES,
            t.REJECTED_ROWS,
        ),
    ),
    Stage(
        "standardise",
        standardise,
        "Cleans the current version of each record, and makes visitors of the events' identifiers.",
        reads=(t.SOURCE_RECORDS, t.SOURCE_EVENTS, t.SOURCE_SNAPSHOTS),
        writes=(t.RECORDS, t.IDENTIFIERS),
    ),
    Stage(
        "quality",
        measure_quality,
        "Measures how full, readable, fresh and large the sources are.",
        reads=(t.RECORDS, t.SOURCE_EVENTS),
        writes=(t.DATA_QUALITY,),
        earlier=(t.RUNS,),
    ),
    Stage(
        "matching",
        match,
        "Compares the records that share a blocking key, and scores the pairs.",
        reads=(t.RECORDS,),
        writes=(t.MATCH_MODELS, t.MATCH_INPUTS, t.PAIR_SCORES, t.OUTDATED_RECORDS),
        logs=(t.TOUCHED_RECORDS,),
    ),
    Stage(
        "clustering",
        cluster,
        "Puts records together by pair scores, identifiers and labels.",
        reads=(t.RECORDS, t.IDENTIFIERS, t.PAIR_SCORES, t.OUTDATED_RECORDS, t.LABELS),
        writes=(t.CLUSTERS, t.CUTS),
        logs=(t.TOUCHED_RECORDS,),
    ),
    Stage(
        IDENTITY,
        assign_ids,
        "Gives each cluster the unified ID that most of it had before, or a new one.",
        reads=(t.RECORDS, t.IDENTIFIERS, t.CLUSTERS, t.CUTS, t.LABELS, t.TOUCHED_RECORDS),
        writes=(t.UNIFIED_IDS, t.ID_REGISTRY, t.ID_CHANGES, t.IDENTITY_ISSUES),
        earlier=(t.RELEASES, t.RUNS),
    ),
    Stage(
        "events",
        stitch_events,
        "Attributes each event to the profile of its visitor, and says what it is worth in the project's currency.",
        reads=(t.SOURCE_EVENTS, t.UNIFIED_IDS, t.SOURCE_ORDER_LINES, t.CURRENCY_RATES),
        writes=(t.UNIFIED_EVENTS,),
    ),
    Stage(
        "sessions",
        make_sessions,
        "Makes visits of each profile's events, and credits conversions to them.",
        reads=(t.UNIFIED_EVENTS,),
        writes=(t.SESSIONS, t.ATTRIBUTIONS),
    ),
    Stage(
        "profiles",
        build_profiles,
        "Chooses each profile's values from its records, with its consents.",
        reads=(t.RECORDS, t.CONSENTS, t.UNIFIED_IDS, t.ID_REGISTRY),
        writes=(t.PROFILES, t.PROFILE_VALUES, t.PROFILE_HISTORY),
    ),
    Stage(
        "relations",
        relate,
        "Relates people to accounts and households, and accounts to the accounts above them.",
        reads=(t.RECORDS, t.IDENTIFIERS, t.UNIFIED_IDS, t.PROFILES),
        writes=(t.ACCOUNT_MEMBERS, t.ACCOUNT_HIERARCHY, t.HOUSEHOLDS),
    ),
    Stage(
        "behaviour",
        follow_behaviour,
        "Counts who gets how far in funnels and who comes back, and finds what was looked at and not bought.",
        reads=(t.UNIFIED_EVENTS, t.PROFILES),
        writes=(t.FUNNELS, t.RETENTION, t.ABANDONED),
    ),
    Stage(
        "scores",
        score,
        "Scores profiles by models of their events: lifetime value, contracts, probabilities of outcomes.",
        reads=(t.UNIFIED_EVENTS, t.PROFILES),
        writes=(t.SCORES,),
        logs=(t.SCORE_MODELS,),
    ),
    Stage(
        "traits",
        make_traits,
        "Makes traits of people's events, for people, accounts and the conditions of segments, with their history.",
        reads=(t.UNIFIED_EVENTS, t.PROFILES, t.ACCOUNT_MEMBERS, t.ACCOUNT_HIERARCHY, t.SCORES),
        writes=(t.TRAITS,),
    ),
    Stage(
        "offers",
        offer,
        "Offers each customer the products that they may buy next, with the reason.",
        reads=(t.UNIFIED_EVENTS, t.PRODUCTS),
        writes=(t.OFFERS,),
        logs=(t.SCORE_MODELS,),
    ),
    Stage(
        "segments",
        evaluate_segments,
        "Evaluates the segments, and says who entered or left each, and why.",
        reads=(
            *(t.PROFILES, t.ACCOUNT_MEMBERS, t.HOUSEHOLDS, t.TRAITS, t.SCORES, t.OFFERS),
            *(t.ID_CHANGES, t.UNIFIED_EVENTS),
        ),
        writes=(t.SEGMENTS, t.SEGMENT_MEMBERS, t.SEGMENT_CHANGES),
        earlier=(t.RUNS,),
    ),
    Stage(
        "experiments",
        experiment,
        "Puts people into the arms of experiments by chance, and compares what the arms came to.",
        reads=(t.SEGMENT_MEMBERS, t.HOUSEHOLDS, t.ID_REGISTRY, t.UNIFIED_IDS, t.PROFILES, t.UNIFIED_EVENTS),
        writes=(t.EXPERIMENT_ASSIGNMENTS, t.EXPERIMENT_RESULTS),
    ),
    Stage(
        PUBLISH,
        publish,
        "Checks the gates, and makes this run's gold tables visible together.",
        reads=(*t.GOLD, t.DATA_QUALITY, t.CONSENTS, t.WITHDRAWAL_ISSUES, t.SUPPRESSIONS, t.RUNS),
        writes=(t.RELEASES,),
    ),
    Stage(
        ACTIVATION,
        activate,
        "Brings the release's segments to the destinations.",
        reads=(
            *(t.PROFILES, t.SEGMENTS, t.SEGMENT_MEMBERS, t.TRAITS, t.SCORES, t.OFFERS, t.ACCOUNT_MEMBERS),
            *(t.UNIFIED_IDS, t.IDENTIFIERS, t.CONSENTS, t.WITHDRAWAL_ISSUES, t.SUPPRESSIONS, t.EXPERIMENT_ASSIGNMENTS),
            t.ID_REGISTRY,
        ),
        writes=(t.DELIVERIES, t.TO_SEND, t.DELIVERY_ATTEMPTS),
    ),
)

_RULED = tuple(t.TABLES[name] for name in RULES)

ERASING: tuple[Stage, ...] = (
    Stage(
        ERASURE,
        erase,
        "Takes people out of every table, closes their IDs, and suppresses their identifiers.",
        writes=(*_RULED, t.ID_REGISTRY, t.ID_CHANGES, t.SEGMENTS, t.MATCH_MODELS, t.SUPPRESSIONS),
        earlier=(t.ERASURES, t.RELEASES, t.RUNS),
    ),
    Stage(
        EXPIRE,
        expire,
        "Publishes what is left of the last release, and expires the releases before it.",
        reads=(t.RUNS,),
        writes=(t.RELEASES,),
    ),
    Stage(
        VACUUM,
        vacuum,
        "Deletes the tables' older versions and the exports of earlier releases.",
        writes=(*_RULED, t.MATCH_MODELS),
        earlier=(t.DELIVERIES,),
    ),
    Stage(
        NOTICE,
        notify,
        "Tells every destination which IDs are gone.",
        reads=(t.ID_REGISTRY,),
        writes=(t.DELIVERIES,),
        earlier=(t.ERASURES,),
    ),
    NIGHTLY[-1],
)
"""What an erasure runs instead."""

STAGES: tuple[str, ...] = tuple(stage.name for stage in NIGHTLY)
ERASURE_STAGES: tuple[str, ...] = tuple(stage.name for stage in ERASING)
BY_NAME: dict[str, Stage] = {stage.name: stage for stage in (*NIGHTLY, *ERASING)}

OUTSIDE: dict[str, tuple[TableSpec, ...]] = {
    "the run itself": (t.RUNS, t.RUN_METRICS),
    "`cdp link`, `cdp unlink`, `cdp label`": (t.LABELS,),
    "`cdp suppress`": (t.SUPPRESSIONS,),
    "`cdp erase`": (t.ERASURES,),
}
"""Tables that no nightly stage makes, by what does."""


def work_of(name: str) -> Work:
    """The function of a stage."""
    return BY_NAME[name].work


def stages_between(first: str | None, last: str | None) -> tuple[str, ...]:
    """Name the nightly stages from `first` to `last`, both included; None is the first or the last of all.

    Raises:
        ConfigError: a stage is unknown, or `first` comes after `last`.
    """
    for option, name in (("--from", first), ("--to", last)):
        if name is not None and name not in STAGES:
            raise ConfigError(option, got=repr(name), allowed=", ".join(STAGES), fix="name one of these stages")
    start = STAGES.index(first) if first else 0
    stop = STAGES.index(last) if last else len(STAGES) - 1
    if start > stop:
        raise ConfigError("--from, --to", got=f"{first} to {last}", allowed=" → ".join(STAGES), fix="swap the two")
    return STAGES[start : stop + 1]


@dataclass(frozen=True)
class StageEvent:
    """A stage's new state.

    Args:
        stage: its name.
        state: `skipped` when an earlier start of the same run had finished it.
        rows: that it delivered, read or wrote; None where it did not say.
        seconds: since the stage began.
        detail: one sentence of the stage.
    """

    stage: str
    state: Literal["started", "finished", "skipped", "failed", "refused"]
    rows: int | None = None
    seconds: float = 0.0
    detail: str = ""


Progress = Callable[[StageEvent], None]


def silent(event: StageEvent) -> None:
    """Say nothing."""
