"""Runs a list of the peer's tests in its environment and reports the outcome of each."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from peer_environment import CACHE, HERE, SRC, TESTS, Environment

TEST_SECONDS = 20
RUN_SECONDS = 900
LOG = CACHE / "pytest.log"
OPTIONS = (
    *("-p", "peer_plugin", "-p", "no:cacheprovider", "-q", "--tb=native", "--continue-on-collection-errors"),
    *("--disable-socket", "--allow-unix-socket", f"--timeout={TEST_SECONDS}", "--timeout-method=signal"),
)


@dataclass(frozen=True)
class Result:
    """What became of one test: `passed`, or anything else with its traceback."""

    outcome: str
    traceback: str

    @property
    def passed(self) -> bool:
        return self.outcome == "passed"


def run_tests(environment: Environment, tests: Sequence[str], subject: str, knockout: str = "") -> dict[str, Result]:
    """Run the tests against `subject` (`toolrun` or `langchain`) with the ability `knockout` taken away from it."""
    wanted, report = CACHE / "tests.json", CACHE / "report.json"
    wanted.write_text(json.dumps(list(tests)))
    report.unlink(missing_ok=True)
    files = sorted({TESTS + test.partition("::")[0] for test in tests})
    settings = {"PEER_SUBJECT": subject, "PEER_KNOCKOUT": knockout, "PEER_TESTS": wanted, "PEER_REPORT": report}
    with LOG.open("w") as log:
        subprocess.run(
            [environment.python, "-m", "pytest", *OPTIONS, *files],
            cwd=environment.source,
            env=_variables(settings),
            timeout=RUN_SECONDS,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    return {test: Result(*result) for test, result in _read(report).items()}


def _read(report: Path) -> dict[str, tuple[str, str]]:
    if not report.exists():
        raise SystemExit(f"pytest did not come to its end; its last words:\n{LOG.read_text()[-3000:]}")
    outcomes: dict[str, tuple[str, str]] = json.loads(report.read_text())
    return outcomes


def _variables(settings: dict[str, str | Path]) -> dict[str, str]:
    """Ours without what would switch tracing on in the peer, which breaks tests and sends runs away."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LANGCHAIN_", "LANGSMITH_"))}
    return kept | {name: str(value) for name, value in settings.items()} | {"PYTHONPATH": f"{SRC}{os.pathsep}{HERE}"}
