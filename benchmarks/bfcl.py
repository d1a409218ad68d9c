"""BFCL's 1,142 real calls in 200 sessions, each with its delay: 71 s of waiting, 0.88 s if nothing waits in vain.

One half of the tools blocks, the other is async. In threads the sessions' tools are made before; in workers the batch
makes them, and only starting the workers is left out. `floor` has a thread for every blocking call; `to_thread` is what
asyncio gives, with its default pool.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks import floors
from benchmarks.harness import FLOOR, OURS, Bound, Figures, Measure, Metric, Scenario, on_loop

DATA = Path(__file__).parents[1] / "tests" / "data" / "bfcl"
IDEAL_MS = 880
SESSIONS = 200

Rows = list[dict[str, Any]]


def scenarios() -> Iterator[Scenario]:
    if find_spec("bfcl_eval") is None:
        return
    metric = Metric("wall", "ms", Bound(1.15 * IDEAL_MS, scales=False))
    yield Scenario("BFCL with delays, 200 sessions at once, threads", (metric,), _in_threads(), rounds=5)
    longest = Metric("longest session", "ms", Bound(1.15 * IDEAL_MS, scales=False))
    yield Scenario(
        "BFCL with delays, a worker for each session", (metric, longest), {OURS: on_loop(_in_workers)}, rounds=3
    )


def _in_threads() -> dict[str, Measure]:
    delays = _rows("latency.jsonl")
    return {
        FLOOR: on_loop(lambda: _bare(delays, lambda nap: floors.in_new_thread(nap))),
        "to_thread": on_loop(lambda: _bare(delays, asyncio.to_thread)),
        OURS: on_loop(_ours),
    }


async def _ours() -> Figures:
    from toolrun import ToolRunner

    calls, session = _calls(), _session()
    made = {name: session(name) for name in {call.session for call in calls}}
    started = time.perf_counter()
    results = await ToolRunner(lambda name: made[name], concurrency=1000).arun_all(calls)
    wall = (time.perf_counter() - started) * 1e3
    _look_whether_as_recorded(results)
    return (wall,)


async def _in_workers() -> Figures:
    """The whole batch, sessions opened in it, and its longest session; the workers have been started before."""
    from toolrun import ToolRunner
    from toolrun.execution.processes import PROCESSES

    runner, limit, PROCESSES.limit = (
        ToolRunner(_session(), concurrency=1000, engine="processes"),
        PROCESSES.limit,
        SESSIONS,
    )
    try:
        await PROCESSES.awarm(SESSIONS, ["benchmarks.bfcl_ready"])
        await runner.arun_all(_calls())  # this process gets to know the tools' schemas
        started = time.perf_counter()
        results = await runner.arun_all(_calls())
        wall = (time.perf_counter() - started) * 1e3
    finally:
        PROCESSES.limit = limit
        PROCESSES.close()
    _look_whether_as_recorded(results)
    sessions: dict[Any, list[Any]] = {}
    for result in results:
        sessions.setdefault(result.session, []).append(result)
    return wall, max(map(_span_ms, sessions.values()))


def _look_whether_as_recorded(results: list[Any]) -> None:
    """A batch that is quick and wrong has no figure."""
    recorded = {row["id"]: row for row in _rows("expected.jsonl")}
    for result in results:
        row, line = recorded[result.id], json.loads(result.line)
        assert (result.ok, line.get("output")) == (row["ok"], row["result"] if row["ok"] else None), line
    assert len(results) == len(recorded)


def _span_ms(results: list[Any]) -> float:
    ends = (result.started_at * 1e3 + result.duration_ms for result in results)
    return float(max(ends) - min(result.started_at for result in results) * 1e3)


def _calls() -> list[Any]:
    from toolrun import CallRequest

    return [CallRequest(row["name"], row["arguments"], row["id"], row["session"]) for row in _rows("calls.jsonl")]


def _session() -> Any:
    if str(DATA) not in sys.path:
        sys.path.insert(0, str(DATA))
    from slow_tools import session  # type: ignore[import-not-found]

    return session


async def _bare(delays: Rows, block: Callable[[Callable[[], None]], Awaitable[Any]]) -> Figures:
    async def one_session(rows: Rows) -> None:
        for row in rows:
            seconds = row["delay_ms"] / 1000
            if row["mode"] == "async":
                await asyncio.sleep(seconds)
            else:
                await block(lambda seconds=seconds: time.sleep(seconds))

    sessions: dict[str, Rows] = {}
    for row in delays:
        sessions.setdefault(row["id"].rpartition(".")[0], []).append(row)
    return await _timed(asyncio.gather(*map(one_session, sessions.values())))


async def _timed(work: Awaitable[Any]) -> Figures:
    started = time.perf_counter()
    await work
    return ((time.perf_counter() - started) * 1e3,)


def _rows(name: str) -> Rows:
    return [json.loads(line) for line in (DATA / name).read_text().splitlines()]
