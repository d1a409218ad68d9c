"""Tools that never return, in a batch of good ones: every good call has its result, every bad one its end, in time.

    python tests/torture/torture.py --engine processes --good 1000 --bad 20 --rounds 50

Prints what was measured, and exits with 1 if a promise is broken. `--patience` multiplies the bounds in time, for
machines that have other things to do, `inf` leaves them out.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from runaways import RUNAWAYS, STUBBORN, work

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks.watching import Heart, dead, percentile

from toolrun import CallRequest, CallResult, ToolRunner
from toolrun.callbacks import AsyncCallbackHandler
from toolrun.execution.statistics import statistics
from toolrun.run import RunStatus
from toolrun.tools import tool

TIMEOUT = 0.5
BOUNDS = {  # milliseconds
    "processes": {"death p95": 15.0, "death max": 100.0, "loop gap p99": 20.0},
    "threads": {"answer max": 250.0},
}
MEMORY_MB = 8.0
"""How much the process may grow from the fifth part of the rounds to the end."""


@dataclass
class Measured:
    """What all rounds have shown."""

    answers: list[float] = field(default_factory=list)
    """Milliseconds from a bad call's deadline to its terminal event, ..."""
    deaths: list[float] = field(default_factory=list)
    """... and until its process was dead."""
    gaps: list[float] = field(default_factory=list)
    """Milliseconds by which the beats of the loop were late."""
    memory: list[float] = field(default_factory=list)
    """Megabytes at the end of each round."""
    stopped: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def claim(self, holds: bool, promise: str) -> None:
        """Write down a promise that is broken."""
        if not holds:
            self.broken.append(promise)


class Ends(AsyncCallbackHandler):
    """Notes when each bad run was told to have ended, and when its process was dead, on the clock of all processes."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self.began: dict[str, float] = {}
        self.told: dict[str, float] = {}
        self.dead: dict[str, float] = {}
        self._waiting: set[asyncio.Task[None]] = set()

    async def on_tool_error(self, error: BaseException, *, run_id: Any, tool_call_id: str, **kwargs: Any) -> None:
        self.told[tool_call_id] = time.monotonic()
        self._waiting.add(asyncio.create_task(self._until_dead(tool_call_id)))

    async def _until_dead(self, id: str) -> None:
        began, process = (self._logs / id).read_text().split()
        self.began[id] = float(began)
        if int(process) != os.getpid():
            await dead(int(process))
        self.dead[id] = time.monotonic()

    async def all_dead(self) -> None:
        """Wait until no process of a bad run is alive."""
        await asyncio.wait_for(asyncio.gather(*self._waiting), 10)


async def one_round(engine: Any, good: int, bad: int, measured: Measured) -> None:
    """One batch of both kinds, shuffled."""
    tools: dict[str, Any] = {body.__name__: tool(body, engine=engine, timeout=TIMEOUT) for body in RUNAWAYS[engine]}
    tools["work"] = tool(work, engine=engine, timeout=TIMEOUT if engine == "processes" else None)
    with tempfile.TemporaryDirectory() as logs:
        calls, ends = _calls(engine, good, bad, logs), Ends(Path(logs))
        heart = Heart()
        results = await ToolRunner(tools, concurrency=len(calls), callbacks=[ends]).arun_all(calls)
        measured.gaps += (gap * 1e3 for gap in heart.stop())
        await ends.all_dead()
        for result in results:
            if result.name == "work":
                measured.claim(result.output == 2 * int(str(result.id)), f"good call {result.id}: {result.error}")
            else:
                _look_at_bad(result, ends, measured)


def _calls(engine: str, good: int, bad: int, logs: str) -> list[CallRequest]:
    calls = [CallRequest("work", {"number": number}, number, None) for number in range(good)]
    for number, body in enumerate(islice(cycle(RUNAWAYS[engine]), bad)):
        name = body.__name__
        calls.append(CallRequest(name, {"log": f"{logs}/bad-{number}"}, f"bad-{number}", None))
    random.Random(len(calls)).shuffle(calls)
    return calls


def _look_at_bad(result: CallResult, ends: Ends, measured: Measured) -> None:
    stopped_by, id = getattr(result.exception, "stopped_by", None), str(result.id)
    measured.stopped[f"{result.name} by {stopped_by}"] += 1
    measured.claim(result.status is RunStatus.TIMEOUT, f"{result.name} is {result.status}: {result.error}")
    if id in ends.dead:
        deadline = ends.began[id] + TIMEOUT
        measured.answers.append((ends.told[id] - deadline) * 1e3)
        measured.deaths.append((ends.dead[id] - deadline) * 1e3)


def look_at_what_is_left(engine: str, rounds: int, bad: int, measured: Measured) -> None:
    """Threads and workers after the last round, and whether memory was flat."""
    left = statistics()
    if engine == "threads":
        stubborn = rounds * sum(body in STUBBORN for body in islice(cycle(RUNAWAYS[engine]), bad))
        measured.claim(left.abandoned_threads == stubborn, f"{left.abandoned_threads} abandoned, {stubborn} are")
        return
    measured.claim(all(kind.endswith(" by kill") for kind in measured.stopped), f"stopped: {measured.stopped}")
    measured.claim(left.abandoned_threads == 0, f"{left.abandoned_threads} threads abandoned")
    measured.claim(left.workers <= 2 * len(os.sched_getaffinity(0)) + 1, f"{left.workers} workers")
    grown = measured.memory[-1] - measured.memory[len(measured.memory) // 5]
    measured.claim(grown <= MEMORY_MB, f"memory grew by {grown:.1f} MB")


def look_at_times(engine: str, patience: float, measured: Measured) -> None:
    """Print the figures, and hold them against the bounds."""
    figures = {
        "answer p95": percentile(measured.answers, 0.95),
        "answer max": max(measured.answers),
        "death p95": percentile(measured.deaths, 0.95),
        "death max": max(measured.deaths),
        "loop gap p99": percentile(measured.gaps, 0.99),
        "loop gap max": max(measured.gaps),
    }
    for name, figure in figures.items():
        bound = BOUNDS[engine].get(name)
        print(f"  {name:14} {figure:8.1f} ms" + (f"   at most {bound:g}" if bound else ""))
        measured.claim(bound is None or figure <= bound * patience, f"{name}: {figure:.1f} ms, at most {bound}")


def _megabytes() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> int:
    options = _options()
    measured = Measured()

    async def rounds() -> None:
        for _ in range(options.rounds):
            await one_round(options.engine, options.good, options.bad, measured)
            measured.memory.append(_megabytes())

    asyncio.run(rounds())
    print(f"{options.engine}: {options.rounds} rounds of {options.good} good and {options.bad} bad calls")
    for kind, count in sorted(measured.stopped.items()):
        print(f"  {count:4} {kind}")
    look_at_times(options.engine, options.patience, measured)
    look_at_what_is_left(options.engine, options.rounds, options.bad, measured)
    print(f"  memory {measured.memory[0]:.1f} .. {measured.memory[-1]:.1f} MB, {threading.active_count()} threads left")
    for broken in measured.broken[:20]:
        print(f"  BROKEN: {broken}")
    return 1 if measured.broken else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=sorted(BOUNDS), default="processes")
    parser.add_argument("--good", type=int, default=1000)
    parser.add_argument("--bad", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--patience", type=float, default=1.0)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
