"""Worker processes: all that can happen, at once, from threads and from two kinds of event loops."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
import time
from contextvars import Context
from typing import Any

import pytest

try:
    import uvloop
except ImportError:  # not on Windows
    uvloop = None

from toolrun.execution.body import Body
from toolrun.execution.errors import SessionLost, ToolTimeout, WorkerCrashed
from toolrun.execution.job import Job

pytestmark = pytest.mark.timeout(60)


def good(x: int) -> int:
    return x + 1


def nap() -> int:
    time.sleep(0.003)
    return 4


def big(data: bytes) -> int:
    return len(data) - 599_996


def bad() -> None:
    raise LookupError


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def spin() -> None:
    while True:
        pass


ARGUMENTS: dict[Any, tuple[Any, ...]] = {good: (3,), big: (b"x" * 600_000,)}
OUTCOMES = {good: int, nap: int, big: int, bad: LookupError, die: WorkerCrashed, spin: ToolTimeout}
BODIES = {function: Body(function) for function in OUTCOMES}
OFTEN = [10, 3, 1, 3, 1, 1]
SESSIONS = range(6)
LOOPS = [None, *([uvloop.new_event_loop] if uvloop else [])]


def some_job(chance: random.Random) -> tuple[Job, Any]:
    """A job, and what it should come to."""
    [function] = chance.choices(list(OUTCOMES), OFTEN)
    session = chance.choice(SESSIONS) if chance.random() < 0.2 else None
    job = Job(BODIES[function], ARGUMENTS.get(function, ()), {}, Context(), name=function.__name__, session=session)
    if function is spin:
        job.timeout = 0.02
    return job, (OUTCOMES[function], SessionLost)


async def on_a_loop(engine: Any, chance: random.Random) -> None:
    async def one() -> None:
        job, expected = some_job(chance)
        task = asyncio.ensure_future(engine.arun(job))
        if chance.random() < 0.2:
            await asyncio.sleep(chance.random() * 0.01)
            task.cancel()
            expected = (*expected, asyncio.CancelledError)
        [outcome] = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(outcome, expected), (job.name, outcome)
        if chance.random() < 0.1:
            engine.close_session(chance.choice(SESSIONS))

    await asyncio.gather(*(one() for _ in range(60)))


def in_a_thread(engine: Any, chance: random.Random) -> None:
    for _ in range(30):
        job, expected = some_job(chance)
        try:
            outcome = engine.run(job)
        except Exception as error:
            outcome = error
        assert isinstance(outcome, expected), (job.name, outcome)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_call_has_its_own_outcome_and_every_worker_comes_back(new_engine: Any, seed: int) -> None:
    engine = new_engine(4)
    failures: list[BaseException] = []

    def guarded(function: Any, *args: Any) -> None:
        try:
            function(*args)
        except BaseException as error:
            failures.append(error)

    def run_loop(factory: Any, chance: random.Random) -> None:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(on_a_loop(engine, chance))

    threads = [
        *(threading.Thread(target=guarded, args=(run_loop, f, random.Random(seed))) for f in LOOPS),
        *(threading.Thread(target=guarded, args=(in_a_thread, engine, random.Random(seed + n))) for n in range(2)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failures
    assert not any(thread.is_alive() for thread in threads)
    pool = engine._pool
    assert (pool._busy, engine.waiting) == (0, 0)
    assert len(pool._free) + len(pool._hosts) == engine.workers <= 5
