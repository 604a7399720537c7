"""Whom the demo's models put first: the best customers, the likeliest buyers, and what is offered to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.config.insights.scores import LIFETIME_VALUE
from cdp_spark.tables.catalog import OFFERS, PROFILES, SCORES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.config.project import Project
    from cdp_spark.tables.spec import TableSpec
    from cdp_spark.tables.store import Store

CUSTOMERS, LEADS = 5, 10
_PERSON = "person"


@dataclass(frozen=True)
class Best:
    """Rows of the tables `scores` and `offers`, each with `name`, the person's.

    Args:
        customers: by lifetime value.
        leads: by the project's first score.
        offers: the first offer of each of these leads, or else of these customers.
        missing: what there is none of, and why; sentences.
    """

    customers: tuple[Mapping[str, Any], ...] = ()
    leads: tuple[Mapping[str, Any], ...] = ()
    offers: tuple[Mapping[str, Any], ...] = ()
    missing: tuple[str, ...] = ()


def find_best(store: Store, project: Project, *, versions: Mapping[str, int], missing: tuple[str, ...]) -> Best:
    """Find whom a release puts first.

    Args:
        store: the warehouse.
        project: the demo's.
        versions: of the release's tables.
        missing: what the stages warned of.
    """
    if SCORES.name not in versions:
        return Best(missing=missing)
    people = store.fetch(PROFILES, (c.UNIFIED_ID, c.ENTITY_TYPE), version=versions[PROFILES.name])
    people = people.filter(pc.equal(people[c.ENTITY_TYPE], _PERSON))[c.UNIFIED_ID].combine_chunks()
    scores = store.fetch(SCORES, version=versions[SCORES.name])
    scores = scores.filter(pc.is_in(scores[c.UNIFIED_ID], value_set=people))
    customers = _top(scores, LIFETIME_VALUE, CUSTOMERS)
    leads = _top(scores, project.insights.scores[0].name, LEADS) if project.insights.scores else []
    ids = [row[c.UNIFIED_ID] for row in (leads or customers)]
    offers = [row for row in _rows(store, OFFERS, versions, ids) if row[c.RANK] == 1]
    names = _names(store, versions, [row[c.UNIFIED_ID] for row in (*customers, *leads)])
    return Best(_named(customers, names), _named(leads, names), _named(offers, names), missing)


def _named(rows: list[dict[str, Any]], names: Mapping[str, str]) -> tuple[Mapping[str, Any], ...]:
    return tuple({**row, c.NAME: names[row[c.UNIFIED_ID]]} for row in rows)


def _top(scores: pa.Table, model: str, most: int) -> list[dict[str, Any]]:
    of_model = scores.filter(pc.equal(scores[c.MODEL], model))
    best = of_model.sort_by([(c.SCORE, "descending"), (c.UNIFIED_ID, "ascending")]).slice(0, most)
    return [{**row, c.DETAILS: dict(row[c.DETAILS])} for row in best.to_pylist()]


def _names(store: Store, versions: Mapping[str, int], ids: list[str]) -> dict[str, str]:
    rows = _rows(store, PROFILES, versions, ids)
    return {row[c.UNIFIED_ID]: " ".join(filter(None, (row[c.GIVEN_NAME], row[c.FAMILY_NAME]))) for row in rows}


def _rows(store: Store, spec: TableSpec, versions: Mapping[str, int], ids: list[str]) -> list[dict[str, Any]]:
    if spec.name not in versions or not ids:
        return []
    only = {c.UNIFIED_ID: pa.array(ids, pa.string())}
    rows: list[dict[str, Any]] = store.fetch(spec, only=only, version=versions[spec.name]).to_pylist()
    return sorted(rows, key=lambda row: ids.index(row[c.UNIFIED_ID]))
