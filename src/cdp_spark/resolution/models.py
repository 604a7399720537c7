"""Match models in the warehouse: the pinned one, a new version, the list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.errors import StateError
from cdp_spark.resolution.learning.soundness import Doubt, refuse_unsound
from cdp_spark.resolution.model import MatchModel, model_from_json
from cdp_spark.resolution.scored import score_pairs
from cdp_spark.tables.catalog import MATCH_MODELS, RECORDS

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql import DataFrame

    from cdp_spark.config.match import EntityMatch
    from cdp_spark.tables.store import Store


@dataclass(frozen=True)
class FittedBy:
    """Who fitted a model and when.

    Args:
        run_id: of the run, or a word for a fit by hand.
        at: UTC.
    """

    run_id: str
    at: datetime


def newest_model(store: Store, entity_type: str) -> tuple[int, MatchModel | None]:
    """The newest model of an entity type and its version; 0 and None before the first."""
    version = max(_fetch_versions(store, entity_type), default=0)
    return version, _fetch_model(store, entity_type, version) if version else None


def _fetch_versions(store: Store, entity_type: str) -> list[int]:
    """The versions of a type's models, ascending."""
    rows = store.fetch(MATCH_MODELS, (c.MODEL_VERSION,), only={c.ENTITY_TYPE: pa.array([entity_type])})
    return sorted(set(rows[c.MODEL_VERSION].to_pylist()))


def _fetch_model(store: Store, entity_type: str, version: int) -> MatchModel:
    only = {c.ENTITY_TYPE: pa.array([entity_type]), c.MODEL_VERSION: pa.array([version], pa.int32())}
    row = store.fetch(MATCH_MODELS, (c.MODEL_JSON,), only=only)
    return model_from_json(row[c.MODEL_JSON][0].as_py(), where=f"match model {version} of {entity_type}")


def read_model(store: Store, entity_type: str, version: int) -> MatchModel:
    """The model of a version.

    Raises:
        StateError: there is no such version, or it was written in another format.
    """
    versions = _fetch_versions(store, entity_type)
    if version not in versions:
        where, allowed = f"match model {version} of {entity_type}", ", ".join(map(str, versions)) or "none yet"
        raise StateError(where, got="no such version", allowed=allowed, fix="`cdp model list` lists them")
    return _fetch_model(store, entity_type, version)


def pinned_model(store: Store, entity_type: str, match: EntityMatch) -> tuple[int, MatchModel | None]:
    """The model that a run applies and its version; 1 and None where the run fits the first.

    Raises:
        StateError: the rules or comparisons changed since the model was fitted.
    """
    version, model = newest_model(store, entity_type)
    if model is None:
        return 1, None
    if evidence_of(model.match) != evidence_of(match):
        raise StateError(
            f"match.yaml: {entity_type}",
            got=f"other rules or comparisons than model {version} was fitted with",
            fix=f"fit the next version: cdp model fit {entity_type}",
        )
    return version, model


def fit_next_model(
    store: Store, entity_type: str, match: EntityMatch, *, by: FittedBy, labels: DataFrame | None = None
) -> tuple[int, MatchModel, tuple[Doubt, ...]]:
    """Fit a model from the current records and save it as the next version, which the next run applies.

    Args:
        store: the warehouse.
        entity_type: person or account.
        match: rules and comparisons.
        by: who fits it.
        labels: record_key_l, record_key_r, is_match: pairs whose class the fit takes from people.

    Returns: the version, the model, and what to doubt about it.

    Raises:
        StateError: there are no records yet.
        DataError: the model contradicts what matching means; it is not saved.
    """
    records = store.read(RECORDS).where(F.col(c.ENTITY_TYPE) == entity_type)
    if records.isEmpty():
        raise StateError(f"cdp model fit {entity_type}", got="no records", fix="run `cdp run nightly` first")
    version = newest_model(store, entity_type)[0] + 1
    scored = score_pairs(records, match, labels=labels)
    refuse_unsound(scored.doubts, where=f"the match model of {entity_type}")
    write_model(store, entity_type, scored.model, version=version, by=by)
    return version, scored.model, scored.doubts


def restore_model(store: Store, entity_type: str, version: int, match: EntityMatch, *, by: FittedBy) -> int:
    """Save an older model again as the next version, which the next run applies; returns that version.

    Args:
        store: the warehouse.
        entity_type: person or account.
        version: of the older model.
        match: rules and comparisons of today, which must be those of the model.
        by: who wants it back.

    Raises:
        StateError: there is no such version, it is the newest, or the configuration is another one.
    """
    model, (newest, _) = read_model(store, entity_type, version), newest_model(store, entity_type)
    where = f"match model {version} of {entity_type}"
    if version == newest:
        raise StateError(where, got="the newest version, which is applied anyway", allowed="an older one")
    if evidence_of(model.match) != evidence_of(match):
        got, allowed = "a model of other rules or comparisons", "those of match.yaml"
        fix = f"put back the rules and comparisons of model {version}, or fit a new one: cdp model fit {entity_type}"
        raise StateError(where, got=got, allowed=allowed, fix=fix)
    write_model(store, entity_type, model, version=newest + 1, by=by)
    return newest + 1


def write_model(store: Store, entity_type: str, model: MatchModel, *, version: int, by: FittedBy) -> int:
    """Append a model version; a run that is started again appends it once. Returns: the table's Delta version."""
    row = (entity_type, version, model.config_hash(), by.at, by.run_id, model.to_json())
    return store.append(
        MATCH_MODELS, MATCH_MODELS.table([row]), application=f"{by.run_id}:matching:{entity_type}", step=version
    )


def evidence_of(match: EntityMatch) -> EntityMatch:
    """What a model depends on: everything but how clusters are made."""
    return match.model_copy(update={"clustering": type(match.clustering)()})
