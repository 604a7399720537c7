"""Models of people's events: their definitions, and the scores that fitted ones give.

A definition is a section of `insights.yaml`; its hash says which saved versions belong to it. `score_people` applies
all models to the events of whole people: in one pass, on the driver or in a task of Spark.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.config.insights.scores import (
    CONTRACTS,
    LIFETIME_VALUE,
    OFFERS,
    ContractsConfig,
    LifetimeValueConfig,
    ScoreConfig,
)
from cdp_spark.insights.leads.features import read_events
from cdp_spark.insights.leads.model import read_lead_model, score_leads
from cdp_spark.insights.leads.reasons import REASONS
from cdp_spark.scores.contracts import score_contracts
from cdp_spark.scores.lifetime import score_customers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from cdp_spark.config.insights.offers import OffersConfig
    from cdp_spark.config.insights.section import InsightsConfig

    Settings = LifetimeValueConfig | ContractsConfig | ScoreConfig | OffersConfig

OUTCOME = "outcome"
SCORES = pa.schema(
    [
        (c.UNIFIED_ID, pa.string()),
        (c.MODEL, pa.string()),
        (c.VERSION, pa.int32()),
        (c.SCORE, pa.float64()),
        (c.TIER, pa.int32()),
        (c.DECILE, pa.int32()),
        (c.DETAILS, pa.map_(pa.string(), pa.float64())),
        (c.REASONS, REASONS),
    ]
)


@dataclass(frozen=True)
class Definition:
    """What a project says of a model.

    Args:
        name: of the model.
        kind: lifetime_value, contracts, outcome or offers.
        settings: its section.
    """

    name: str
    kind: str
    settings: Settings

    @property
    def hash(self) -> str:
        """Hash of the section; a version of another definition is not applied."""
        text = json.dumps(self.settings.model_dump(mode="json"), sort_keys=True)
        return sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class FittedModel:
    """A version of a model.

    Args:
        definition: of the model.
        version: from 1.
        parameters: what it learned, as plain values.
    """

    definition: Definition
    version: int
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Clock:
    """The time that scores are of.

    Args:
        as_of: events after it do not count.
        time_zone: of days.
    """

    as_of: datetime
    time_zone: str

    @property
    def us(self) -> int:
        """Microseconds since 1970."""
        return int(np.datetime64(self.as_of.replace(tzinfo=None), "us").astype(np.int64))


def definitions_of(insights: InsightsConfig) -> tuple[Definition, ...]:
    """List the models of a project: those of scores, then that of the offers."""
    return (*score_definitions(insights), *([Definition(OFFERS, OFFERS, insights.offers)] if insights.offers else []))


def score_definitions(insights: InsightsConfig) -> tuple[Definition, ...]:
    """List the models that give scores."""
    sections = [(LIFETIME_VALUE, insights.lifetime_value), (CONTRACTS, insights.contracts)]
    own = [Definition(name, name, section) for name, section in sections if section is not None]
    return (*own, *(Definition(score.name, OUTCOME, score) for score in insights.scores))


def event_types_of(definitions: Sequence[Definition]) -> tuple[str, ...] | None:
    """The event types that models look at; None for all."""
    named: set[str] = set()
    for definition in definitions:
        settings = definition.settings
        if isinstance(settings, ScoreConfig):
            return None
        named.update(
            (*settings.start, *settings.end) if isinstance(settings, ContractsConfig) else settings.event_types
        )
    return tuple(sorted(named))


def score_people(rows: pa.Table, models: Sequence[FittedModel], clock: Clock) -> pa.Table:
    """Score people by all models.

    Args:
        rows: events of whole people until the clock: `unified_id`, `entity_type`, `event_type`, `occurred_at_utc`,
            `category`, `value`.
        models: to apply.
        clock: the time of the scores.
    Returns: SCORES; somebody of whom a model says nothing has no row of it.
    """
    return pa.concat_tables([SCORES.empty_table(), *_scored(rows, models, clock)])


def _scored(rows: pa.Table, models: Sequence[FittedModel], clock: Clock) -> Iterator[pa.Table]:
    events = read_events(rows) if any(it.definition.kind == OUTCOME for it in models) else None
    for model in models:
        settings = model.definition.settings
        if isinstance(settings, LifetimeValueConfig):
            columns = score_customers(rows, model.parameters, settings, until_us=clock.us, time_zone=clock.time_zone)
        elif isinstance(settings, ContractsConfig):
            columns = score_contracts(rows, model.parameters, settings, until_us=clock.us)
        elif isinstance(settings, ScoreConfig) and events is not None:
            lead = read_lead_model(model.parameters)
            columns = score_leads(lead, events, settings.population, until_us=clock.us)
        else:
            continue
        size = len(columns[c.UNIFIED_ID])
        named = {c.MODEL: pa.repeat(model.definition.name, size), c.VERSION: pa.repeat(model.version, size)}
        yield pa.table({**columns, **named}).select(SCORES.names).cast(SCORES)
