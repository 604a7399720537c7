"""Which sources may deliver an order as several rows."""

from __future__ import annotations

import pytest

from cdp_spark.config.source import SourceConfig
from cdp_spark.events.orders import find_sources_of_rows


@pytest.mark.parametrize(
    ("event_id", "order_id", "may_repeat"),
    [
        (["order_no", "line_no"], "order_no", True),
        ([], "order_no", True),
        (["order_no"], "order_no", False),
        (["order_no", "status"], "order_no", False),
        (["order_no", "line_no"], None, False),
    ],
)
def test_an_order_may_be_several_rows_where_more_than_its_number_and_status_identifies_them(
    event_id: list[str], order_id: str | None, *, may_repeat: bool
) -> None:
    fields = {"event_type": "status", "occurred_at": "at", "identifiers": {"email": "mail"}}
    events = {**fields, "event_id": event_id, "order_id": order_id}
    source = SourceConfig.model_validate(
        {"name": "tills", "kind": "events", "format": "csv", "path": "tills.csv", "events": events}
    )
    assert find_sources_of_rows([source]) == (("tills",) if may_repeat else ())
