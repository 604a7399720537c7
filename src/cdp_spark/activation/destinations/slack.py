"""Slack: a message for each row, or one for all rows of a run, to an incoming webhook.

A row may take a route by the value of a column, such as its owner's: to another webhook, with a mention. What names no
route goes to the destination's own; an erasure goes to all of them, since any channel may have had the row.
Slack knows no idempotency keys: a message of which it is unknown whether it arrived may come twice.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cdp_spark import limits
from cdp_spark.activation.destinations.http import Poster
from cdp_spark.activation.destinations.interface import json_value
from cdp_spark.activation.destinations.webhook import fates_of
from cdp_spark.config.sending import TEMPLATE_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdp_spark.activation.destinations.interface import Fate, Row
    from cdp_spark.config.destination import SlackDestination

_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_LONGEST = 3_000
"""Characters of a message."""
_NAMED_IDS = 50


@dataclass(frozen=True)
class SlackSender:
    """Sends to a Slack channel.

    Args:
        destination: its settings.
        poster: to its URL.
        routed: to the routes' URLs, by the value that a row has.
    """

    destination: SlackDestination
    poster: Poster
    routed: Mapping[str, Poster] = field(default_factory=dict)

    @classmethod
    def of(cls, destination: SlackDestination) -> SlackSender:
        """Make the sender of a destination."""
        own = Poster.of(destination)
        urls = {_plain(value): route.url for value, route in destination.routes.items()}
        return cls(destination, own, {value: replace(own, url=str(url)) for value, url in urls.items() if url})

    @property
    def batch_rows(self) -> int:
        """Rows of a message."""
        return 1 if self.destination.per == "row" else limits.DELIVERY_MESSAGE_ROWS

    def send(self, batch: Sequence[Row]) -> list[Fate]:
        """Post one message about the rows."""
        body = json.dumps({"text": self.text(batch)}, ensure_ascii=False).encode()
        if batch[0].action != "erase":
            poster = self.routed.get(self._value(batch[0]), self.poster)
            return fates_of(poster.post(body, dict), batch, None)
        everywhere = {it.url: it for it in (self.poster, *self.routed.values())}
        fates = [fates_of(it.post(body, dict), batch, None) for it in everywhere.values()]
        return next((it for it in fates if it[0].status != "acknowledged"), fates[0])

    def _value(self, row: Row) -> str:
        return _plain(_shown(row.values.get(self.destination.route_by or "")))

    def _mention(self, row: Row) -> str:
        found = {_plain(value): route.mention for value, route in self.destination.routes.items()}.get(self._value(row))
        if found is None:
            return ""
        return f"<!subteam^{found}> " if found.startswith("S") else f"<@{found}> "

    def text(self, batch: Sequence[Row]) -> str:
        """Fill the template in; what a value holds is no markup."""
        if batch[0].action == "erase":
            ids = ", ".join(row.unified_id for row in batch[:_NAMED_IDS])
            more = f" and {len(batch) - _NAMED_IDS} more" if len(batch) > _NAMED_IDS else ""
            return f"Erased from {self.destination.label}: {ids}{more}. Delete messages that name them."
        values = self._of_change(batch) if self.destination.per == "change" else self._of_row(batch[0])
        filled = TEMPLATE_NAME.sub(
            lambda found: values.get(found[1], "").translate(_ESCAPED), self.destination.template
        )
        return f"{self._mention(batch[0])}{filled}"[:_LONGEST]

    def _of_row(self, row: Row) -> Mapping[str, str]:
        written = {name: _shown(json_value(value)) for name, value in row.values.items()}
        return {**written, "action": row.action, "segment": self.destination.label, "unified_id": row.unified_id}

    def _of_change(self, batch: Sequence[Row]) -> Mapping[str, str]:
        counts = Counter(row.action for row in batch)
        numbers = {"added": counts["add"], "updated": counts["update"], "removed": counts["remove"]}
        return {"segment": self.destination.label, **{name: f"{count:,}" for name, count in numbers.items()}}


def _plain(value: str) -> str:
    return value.strip().casefold()


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
