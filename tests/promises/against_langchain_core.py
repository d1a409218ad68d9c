"""Runs the tests of the defects against langchain-core and shows how each of them fails there.

    python tests/promises/against_langchain_core.py

The exit status is 1 when a defect's test passes on langchain-core with all of its parameters: then it proves nothing.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


class Verdicts:
    """Collects, per test of a defect, how many of its parameters failed, and why the first one did."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.outcomes: dict[str, list[str]] = defaultdict(list)
        self.reasons: dict[str, str] = {}

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        for item in items:
            if marker := item.get_closest_marker("defect"):
                self.rows[_function(item.nodeid)] = marker.args[0]
        items[:] = [item for item in items if item.get_closest_marker("defect")]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.failed:
            self.outcomes[_function(report.nodeid)].append(report.outcome)
            if report.failed:
                self.reasons.setdefault(_function(report.nodeid), _reason(report.longrepr))

    def proves_nothing(self) -> list[str]:
        return [test for test in self.rows if "failed" not in self.outcomes[test]]

    def __str__(self) -> str:
        lines = []
        for test, row in sorted(self.rows.items(), key=lambda pair: (pair[1], pair[0])):
            outcomes = self.outcomes[test]
            lines.append(f"row {row:2}  {outcomes.count('failed')} of {len(outcomes)} fail  {test}")
            lines.append(f"        {self.reasons.get(test, 'passes on langchain-core')}")
        return "\n".join(lines)


def main() -> int:
    os.environ["PROMISES_LIBRARY"] = "langchain_core"
    verdicts = Verdicts()
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main([str(HERE), "-o", "filterwarnings="], plugins=[verdicts])
    print(verdicts)
    return 1 if verdicts.proves_nothing() or not verdicts.rows else 0


def _function(nodeid: str) -> str:
    return nodeid.split("/")[-1].split("[")[0]


def _reason(failure: Any) -> str:
    crash = getattr(failure, "reprcrash", None)
    return (crash.message if crash else str(failure)).splitlines()[0][:150]


if __name__ == "__main__":
    sys.exit(main())
