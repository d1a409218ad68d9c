"""The pytest plugin of a run of the peer's tests: who is under test, which tests run, what became of each.

It is configured by the environment, since the alias must be in place before pytest reads its command line:
`PEER_SUBJECT` is `toolrun`, `installed` (the peer, installed on toolrun) or `langchain` (the peer itself),
`PEER_KNOCKOUT` the ability to take away, `PEER_TESTS` the file that lists the tests, `PEER_REPORT` the file that gets
the outcome of each.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Generator
from pathlib import Path

import blockbuster
import pytest
from peer_environment import TESTS

if os.environ["PEER_SUBJECT"] == "toolrun":
    import alias

    alias.install()
elif os.environ["PEER_SUBJECT"] == "installed":
    from toolrun.interop.langchain import install

    install()

# Their guard against blocking calls watches their own package only: make it watch the one under test as well.
blockbuster.blockbuster_ctx = functools.partial(
    lambda guard, _modules: guard(["langchain_core", "toolrun"]), blockbuster.blockbuster_ctx
)


class Recorder:
    """Keeps the listed tests and records outcome and traceback of each; a test that was not found is `missing`."""

    def __init__(self, tests: Path, report: Path) -> None:
        self.report = report
        self.outcomes = dict.fromkeys(json.loads(tests.read_text()), ("missing", ""))

    def pytest_collection_modifyitems(self, items: list[pytest.Item], config: pytest.Config) -> None:
        config.hook.pytest_deselected(items=[item for item in items if _name(item) not in self.outcomes])
        items[:] = [item for item in items if _name(item) in self.outcomes]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.when == "call" or report.outcome != "passed":
            outcome = "xfailed" if hasattr(report, "wasxfail") else report.outcome
            self.outcomes[_name(item)] = (outcome, report.longreprtext)
        return report

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            lost = [name for name in self.outcomes if f"{TESTS}{name}".startswith(report.nodeid)]
            self.outcomes.update(dict.fromkeys(lost, ("missing", report.longreprtext)))

    def pytest_sessionfinish(self) -> None:
        self.report.write_text(json.dumps(self.outcomes))


def _name(item: pytest.Item) -> str:
    return item.nodeid.removeprefix(TESTS)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Recorder(Path(os.environ["PEER_TESTS"]), Path(os.environ["PEER_REPORT"])))
    if knockout := os.environ.get("PEER_KNOCKOUT"):
        import peer_knockouts

        peer_knockouts.KNOCKOUTS[os.environ["PEER_SUBJECT"]][knockout]()
