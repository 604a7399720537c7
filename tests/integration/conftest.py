"""What a test needs beside Python and Java may be absent from a desk, not from continuous integration."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

NEEDS = ("postgres", "chromium", "cluster", "notebook")
"""Markers of the tests that `make test-all` runs."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under CI=true, turn the skip of such a test into a failure with the same reason."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and any(item.get_closest_marker(name) for name in NEEDS):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome, report.longrepr = "failed", f"{reason}; under CI it has to be there"
    return report
