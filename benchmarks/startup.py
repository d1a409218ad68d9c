"""What `from toolrun import tool, ToolRunner` costs, in fresh interpreters."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from benchmarks.harness import FLOOR, OURS, PEER, Bound, Figures, Measure, Metric, Scenario
from benchmarks.libraries import libraries

STATEMENTS = {
    FLOOR: "import asyncio; from pydantic import BaseModel",
    PEER: "from langchain_core.tools import tool",
    OURS: "from toolrun import tool, ToolRunner",
}
PROGRAM = "import time; started = time.perf_counter(); {statement}; print(time.perf_counter() - started)"


def scenarios() -> Iterator[Scenario]:
    wanted = {FLOOR, *(library.name for library in libraries())}
    subjects = {name: _import(statement) for name, statement in STATEMENTS.items() if name in wanted}
    yield Scenario("import", (Metric("time", "ms", Bound(of_floor=1.3)),), subjects, rounds=9)


def _import(statement: str) -> Measure:
    def measure() -> Figures:
        program = PROGRAM.format(statement=statement)
        answer = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
        return (float(answer.stdout) * 1e3,)

    return measure
