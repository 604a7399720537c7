"""What sends to each kind of destination, where a destination is, and telling it who was erased."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from cdp_spark import limits
from cdp_spark.activation.destinations.interface import Row
from cdp_spark.activation.export import Delivery, export_location
from cdp_spark.activation.ledger import send_rows
from cdp_spark.activation.notice import ERASED
from cdp_spark.activation.sending.file_changes import FileSender
from cdp_spark.config.base import Secret, hide_secrets
from cdp_spark.config.destination import (
    DrtDestination,
    FileDestination,
    PostgresDestination,
    SlackDestination,
    WebhookDestination,
)
from cdp_spark.normalise.hashing import canonical_json, hash_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdp_spark.activation.destinations.interface import Sender
    from cdp_spark.config.destination import AnyDestination, AnyRowDestination, OnlineDestination
    from cdp_spark.tables.run import RunContext

NOT_TOLD = "delete the erased people there: drt is not told of them"
"""What an erasure leaves to do at a destination that drt sends to."""


def tell_erased_rows(destination: AnyRowDestination, ids: Sequence[str], *, release: int) -> Delivery:
    """Tell a destination which profiles were erased, each with a key that is the same if it is told again."""
    if isinstance(destination, DrtDestination):
        return Delivery(destination.name, ERASED, "held", 0, location_of(destination), problem=NOT_TOLD)
    target = target_of(destination)
    rows = [
        Row(it, "erase", hash_key(target=target, unified_id=it, action="erase", release=str(release)))
        for it in sorted(ids)
    ]
    sender = sender_of(destination, pa.schema([]))
    counts, problem = send_rows(rows, sender, lambda _rows, _fates: None, chunk_rows=limits.DELIVERY_CHUNK_ROWS)
    told = Delivery(destination.name, ERASED, "delivered", counts["acknowledged"], location_of(destination))
    left = len(rows) - counts["acknowledged"]
    if left:
        return replace(told, status="failed", problem=problem or f"{left} erased profiles not acknowledged")
    return told


def place_of(context: RunContext, destination: AnyDestination) -> str:
    """Where a run sends to: a URL, or the folder of its release."""
    if isinstance(destination, FileDestination):
        return export_location(destination, folder=context.project.folder, release=context.ordinal)
    return location_of(destination)


def changes_sender(context: RunContext, destination: FileDestination | OnlineDestination, schema: pa.Schema) -> Sender:
    """Make what sends a run's rows.

    Args:
        context: of the run.
        destination: its settings.
        schema: of its rows.
    """
    if isinstance(destination, FileDestination):
        return FileSender(context.store.spark, destination, place_of(context, destination), context.run_id, schema)
    return sender_of(destination, schema)


def sender_of(destination: OnlineDestination, schema: pa.Schema) -> Sender:
    """Make what sends to a destination; only now, as it needs the extra `activation`.

    Args:
        destination: its settings.
        schema: of its rows.
    """
    if isinstance(destination, WebhookDestination):
        from cdp_spark.activation.destinations.webhook import WebhookSender  # noqa: PLC0415 - an extra

        return WebhookSender.of(destination)
    if isinstance(destination, SlackDestination):
        from cdp_spark.activation.destinations.slack import SlackSender  # noqa: PLC0415 - an extra

        return SlackSender.of(destination)
    from cdp_spark.activation.destinations.postgres import PostgresSender, column_types  # noqa: PLC0415 - an extra

    return PostgresSender(destination, column_types({field.name: str(field.type) for field in schema}))


def location_of(destination: AnyDestination) -> str:
    """Where a destination is, as it is shown: a URL, with its table if it is a database's; a folder; drt's type."""
    if isinstance(destination, FileDestination):
        return destination.path
    if isinstance(destination, PostgresDestination):
        place = f"{destination.url}#{destination.table}"
        template = f"{hide_secrets(destination.url)}#{destination.table}"
        return Secret(place, template) if isinstance(destination.url, Secret) else place
    return f"drt:{destination.to['type']}" if isinstance(destination, DrtDestination) else destination.url


def target_of(destination: AnyDestination) -> str:
    """Hash of where a destination is: what one place acknowledged says nothing of another."""
    place = str(hide_secrets(location_of(destination)))
    if isinstance(destination, DrtDestination):
        place = canonical_json(hide_secrets({name: it for name, it in destination.to.items() if _is_place(name)}))
    return hash_key(name=destination.name, kind=destination.kind, place=place)


def _is_place(name: str) -> bool:
    """Whether a setting of drt says where rows go, and not how."""
    return not name.endswith(("template", "retry", "rate_limit"))
