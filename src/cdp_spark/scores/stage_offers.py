"""The offers stage: purchases and products → offers.

Every night counts all purchases anew: what is popular, what goes together and how long ago somebody bought something
change with every day, and counting is cheap. The weights of the evidence are chosen once, by the first night that has
enough purchases to judge them by, and then by `cdp insights fit offers` only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdp_spark.config.insights.offers import OfferWeights
from cdp_spark.config.insights.scores import OFFERS as MODEL
from cdp_spark.scores.frames_models import NewModel, find_applied, next_version, read_versions, rows_of
from cdp_spark.scores.frames_offers import Shop, build_offers, read_shop, sample_lines
from cdp_spark.scores.lines import fit_weights
from cdp_spark.scores.models import Clock, Definition, FittedModel
from cdp_spark.tables.catalog import OFFERS, SCORE_MODELS, UNIFIED_EVENTS
from cdp_spark.tables.increments.basis import empty_tables
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.config.insights.offers import OffersConfig
    from cdp_spark.config.project import Project
    from cdp_spark.tables.run import RunContext

_STAGE, _ROWS = "offers", "offers.rows"


def run(context: RunContext) -> StageResult:
    """Make the offers of everybody who bought something, where the project asks for them."""
    store, settings = context.store, context.project.insights.offers
    if settings is None:
        return StageResult(empty_tables(context, (OFFERS,)), detail="no offers in insights.yaml")
    if not store.exists(UNIFIED_EVENTS):
        return StageResult(detail="no events yet")
    shop = read_shop(store, settings, Clock(context.as_of, context.project.settings.time_zone))
    weights, new = _weights(context, settings, shop)
    written = {OFFERS.name: store.overwrite(OFFERS, build_offers(shop, settings, weights))}
    if new is not None:
        rows = rows_of([new], as_of=context.as_of, run_id=context.run_id)
        application = context.application(_STAGE, SCORE_MODELS)
        written[SCORE_MODELS.name] = store.append(SCORE_MODELS, rows, application=application)
    metrics = {_ROWS: float(store.count(OFFERS))}
    detail = "full" if new is None else f"full; chose weights {new.model.version}"
    return StageResult(written, metrics, detail, warn(context.project, metrics))


def warn(project: Project, figures: Mapping[str, float]) -> tuple[str, ...]:
    """Say that nobody gets an offer."""
    if project.insights.offers is None or figures.get(_ROWS, 1.0):
        return ()
    types = " or ".join(project.insights.offers.event_types)
    return (f"offers: nobody has one. No event of type {types} names a product: see `events` of the sources.",)


def fit_offer_weights(shop: Shop, settings: OffersConfig, version: int) -> NewModel | None:
    """Choose weights by what people bought lately; None where too few bought again.

    Args:
        shop: what offers are made from.
        settings: of the project.
        version: of the model.
    """
    weights, judged = fit_weights(sample_lines(shop), shop.products, settings, as_of=shop.as_of)
    if not judged:
        return None
    facts: dict[str, Any] = {"weights": weights.model_dump(mode="json")}
    return NewModel(FittedModel(Definition(MODEL, MODEL, settings), version, facts), {"judged_people": judged})


def _weights(context: RunContext, settings: OffersConfig, shop: Shop) -> tuple[OfferWeights, NewModel | None]:
    """The weights to apply, and the version to save if they were chosen now."""
    if isinstance(settings.weights, OfferWeights):
        return settings.weights, None
    versions = read_versions(context.store)
    applied = find_applied(versions, Definition(MODEL, MODEL, settings))
    new = None if applied else fit_offer_weights(shop, settings, next_version(versions, MODEL))
    model = applied or (new.model if new else None)
    return OfferWeights.model_validate(model.parameters["weights"]) if model else OfferWeights(), new
