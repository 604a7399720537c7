"""Webhooks: rows as JSON, signed as Standard Webhooks says, with the answer read row by row where it names rows.

A request is `{"destination", "segment", "rows": [{"key", "action", "unified_id", "values"}]}`. Its `webhook-id` is made
of the rows' keys, so a repeated request has the same. A batch that is refused whole for what it holds is sent again in
halves, until what is wrong is found.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from standardwebhooks.webhooks import Webhook

from cdp_spark.activation.destinations.http import Poster
from cdp_spark.activation.destinations.interface import Fate, json_value
from cdp_spark.normalise.hashing import hash_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdp_spark.activation.destinations.http import Answer
    from cdp_spark.activation.destinations.interface import Row
    from cdp_spark.config.destination import RowErrors, WebhookDestination

_ACCEPTED_BELOW = 300
_PARTIAL = 207
_TOO_MANY = 10_000


@dataclass(frozen=True)
class WebhookSender:
    """Sends to a webhook.

    Args:
        destination: its settings.
        poster: to its URL.
    """

    destination: WebhookDestination
    poster: Poster

    @classmethod
    def of(cls, destination: WebhookDestination) -> WebhookSender:
        """Make the sender of a destination."""
        return cls(destination, Poster.of(destination))

    @property
    def batch_rows(self) -> int:
        """Rows of a request."""
        return self.destination.batch_size

    def send(self, batch: Sequence[Row]) -> list[Fate]:
        """Send the rows in one request, or in halves of it."""
        answer = self._post(batch)
        if answer.taken == "no" and len(batch) > 1:
            middle = len(batch) // 2
            first = self.send(batch[:middle])
            if any(fate.stops for fate in first):
                return [*first, *[Fate("unsent", first[-1].reason)] * (len(batch) - middle)]
            return [*first, *self.send(batch[middle:])]
        return fates_of(answer, batch, self.destination.row_errors)

    def _post(self, batch: Sequence[Row]) -> Answer:
        body = self._body(batch)
        message_id = hash_key(**{str(number): row.key for number, row in enumerate(batch)})

        def sign() -> dict[str, str]:
            now = datetime.now(UTC)
            signature = Webhook(str(self.destination.secret)).sign(message_id, now, body)
            stamp = str(int(now.timestamp()))
            return {"webhook-id": message_id, "webhook-timestamp": stamp, "webhook-signature": signature}

        return self.poster.post(body.encode(), sign)

    def _body(self, batch: Sequence[Row]) -> str:
        rows = [
            {
                "key": row.key,
                "action": row.action,
                "unified_id": row.unified_id,
                "values": sent_values(row.values, keep_nulls=self.destination.nulls == "clear"),
            }
            for row in batch
        ]
        content = {"destination": self.destination.name, "segment": self.destination.label, "rows": rows}
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def sent_values(values: Mapping[str, Any], *, keep_nulls: bool) -> dict[str, Any]:
    """Give the values as JSON holds them; without `keep_nulls` an empty one is left out."""
    written = {name: json_value(value) for name, value in values.items()}
    return {name: value for name, value in written.items() if keep_nulls or value is not None}


def fates_of(answer: Answer, batch: Sequence[Row], errors: RowErrors | None) -> list[Fate]:
    """Read what became of each row of a request that was not split any further."""
    if answer.taken == "never":
        return [Fate("unsent", answer.reason, answer.words, stops=answer.status is not None)] * len(batch)
    if answer.taken == "perhaps":
        return [Fate("unknown", answer.reason, answer.words)] * len(batch)
    if answer.taken == "no":
        return [Fate("refused", answer.reason, answer.words)] * len(batch)
    if errors is None and answer.status == _PARTIAL:
        return [Fate("unknown", "HTTP 207, whose rows `row_errors` must name", answer.words)] * len(batch)
    found = {} if errors is None else _row_errors(answer.text, batch, errors)
    if found is None:
        return [Fate("unknown", f"{answer.reason} without a list that `row_errors` describes", answer.words)] * len(
            batch
        )
    return [
        Fate("refused", f"{answer.reason} with an error", found[number]) if number in found else Fate("acknowledged")
        for number in range(len(batch))
    ]


def _row_errors(text: str, batch: Sequence[Row], errors: RowErrors) -> dict[int, str] | None:
    """Messages by the number of the refused row; None where the answer cannot be read, or names rows we do not know."""
    try:
        listed: Any = json.loads(text)
        for key in errors.found_at.split("."):
            listed = listed.get(key, [])
    except (ValueError, AttributeError, RecursionError):
        return None
    if not isinstance(listed, list) or len(listed) > _TOO_MANY:
        return None
    places = {row.key: number for number, row in enumerate(batch)}
    places |= {row.unified_id: number for number, row in enumerate(batch)}
    found: dict[int, str] = {}
    for error in listed:
        number = _number(error.get(errors.row), places, len(batch)) if isinstance(error, dict) else None
        if number is None:
            return None
        if not _is_accepted(error, errors):
            found[number] = str(error.get(errors.message) or "")[:200] if errors.message else ""
    return found


def _number(name: object, places: Mapping[str, int], count: int) -> int | None:
    if isinstance(name, bool):
        return None
    if isinstance(name, int):
        return name if 0 <= name < count else None
    return places.get(str(name))


def _is_accepted(error: Mapping[str, Any], errors: RowErrors) -> bool:
    status = error.get(errors.status) if errors.status else None
    return str(status).isdigit() and int(str(status)) < _ACCEPTED_BELOW
