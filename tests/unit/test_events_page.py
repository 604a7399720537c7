"""docs/events.md names the event types that there are."""

from __future__ import annotations

import re
from pathlib import Path

from cdp_spark.normalise.event_types import EVENT_TYPES

PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text(encoding="utf-8")


def test_the_page_lists_every_standard_event_type_with_its_meaning() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, flags=re.MULTILINE)
    assert rows == list(EVENT_TYPES.items())
