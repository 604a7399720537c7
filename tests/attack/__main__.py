"""Run all tries and print what came of them as a table: `make attack`."""

from __future__ import annotations

import os
import sys
from collections import Counter
from dataclasses import dataclass, field

import pytest
from tests.attack.tries import ROOT, Try, read_tries


@dataclass
class Outcomes:
    """A plugin of pytest's that counts the outcomes of each test's cases.

    Args:
        counts: test without its parameters to how often it passed, failed and was skipped.
    """

    counts: dict[str, Counter[str]] = field(default_factory=dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a case that ended, or that could not begin."""
        if report.when == "call" or report.outcome != "passed":
            test = report.nodeid.split("[", maxsplit=1)[0]
            self.counts.setdefault(test, Counter())[report.outcome] += 1

    def of(self, it: Try) -> Counter[str]:
        """Add the outcomes of a try's cases up."""
        found = (counts for test, counts in self.counts.items() if test == it.test or test.startswith(f"{it.test}::"))
        return sum(found, Counter())


def main() -> int:
    """Run the tries; the exit code is pytest's, 1 where one of them was not held off."""
    os.chdir(ROOT)
    outcomes, tries = Outcomes(), read_tries()
    tests = list(dict.fromkeys([*(it.test for it in tries), "tests/attack"]))
    code = int(pytest.main([*tests, "-q", "-n", os.environ.get("WORKERS", "2"), "--dist", "loadfile"], [outcomes]))
    sys.stdout.write("\n| try | outcome | cases | held |\n|---|---|---|---|\n")
    for it in tries:
        counts = outcomes.of(it)
        held = "yes" if counts["passed"] and counts.keys() <= {"passed"} else ", ".join(counts) or "not run"
        sys.stdout.write(f"| {it.what} | {it.outcome} | {counts.total()} | {held} |\n")
    sys.stdout.write(f"\n{sum(outcomes.of(it).total() for it in tries)} tries in {len(tries)} kinds\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
