"""Worker processes: timeouts, cancels, crashes. Whatever ends a worker ends one call, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import re
import signal
import subprocess
import threading
import time
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest

from toolrun.execution.body import Body
from toolrun.execution.errors import ToolTimeout, WorkerCrashed
from toolrun.execution.job import Job
from toolrun.execution.processes import PROCESSES
from toolrun.execution.processes._launcher import LAUNCHER
from toolrun.run import StoppedBy, status_of

pytestmark = pytest.mark.timeout(30)


def spin() -> None:
    while True:
        pass


def spin_stubbornly() -> None:
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(1e6)


def hold_the_gil() -> None:
    re.match(r"(a+)+$", "a" * 60 + "b")


def wait_for_a_lock() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


async def block_the_loop() -> None:
    time.sleep(1e6)


async def sleep_for_ever() -> None:
    await asyncio.sleep(1e6)


RUNAWAYS = [spin, spin_stubbornly, hold_the_gil, wait_for_a_lock, block_the_loop, sleep_for_ever]


def ends(pid: int) -> bool:
    """Whether the process ends within ten seconds."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        import select

        return bool(select.select([descriptor], [], [], 10)[0])
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("function", RUNAWAYS)
def test_a_body_that_never_ends_is_killed_at_its_deadline(workers: Any, function: Any) -> None:
    with pytest.raises(ToolTimeout) as raised:
        workers.call(function, timeout=0.02)
    assert raised.value.stopped_by is workers.job.stopped_by is StoppedBy.KILL
    assert raised.value.seconds == 0.02
    assert workers.call(os.getpid) != os.getpid()


def test_a_killed_body_takes_the_processes_that_it_started_along(workers: Any, tmp_path: Any) -> None:
    def start_and_spin() -> None:
        child = subprocess.Popen(["sleep", "1000"])
        tell(str(child.pid))
        while True:
            pass

    told = tmp_path / "pid"
    tell = told.write_text
    with pytest.raises(ToolTimeout):
        workers.call(start_and_spin, timeout=0.3)
    assert ends(int(told.read_text()))


def test_the_clock_starts_with_the_body_and_not_in_the_line(new_engine: Any, async_driver: Any) -> None:
    engine = new_engine(1)

    async def in_line() -> list[Any]:
        jobs = [Job(Body(time.sleep), (0.04,), {}, copy_context(), timeout=0.2) for _ in range(8)]
        return await asyncio.gather(*map(engine.arun, jobs))

    assert async_driver.run(in_line()) == [None] * 8


def test_a_timeout_that_does_not_fire_changes_nothing(workers: Any) -> None:
    assert workers.call(abs, -1, timeout=10) == 1
    assert workers.job.stopped_by is StoppedBy.NONE


def test_a_cancelled_caller_returns_and_its_worker_dies(new_engine: Any, async_driver: Any) -> None:
    engine = new_engine(1)
    job = Job(Body(spin), (), {}, copy_context())

    async def cancel() -> int:
        await engine.arun(Job(Body(abs), (1,), {}, copy_context()))  # the worker is there
        task = asyncio.create_task(engine.arun(job))
        await asyncio.sleep(0)
        [busy] = [each for each in engine._pool.workers() if each not in engine._pool._free]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert busy.pid is not None
        return busy.pid

    assert ends(async_driver.run(cancel()))
    assert job.stopped_by is StoppedBy.KILL
    assert engine.run(Job(Body(abs), (-1,), {}, copy_context())) == 1


def test_a_caller_cancelled_in_the_line_leaves_it(new_engine: Any, async_driver: Any) -> None:
    engine = new_engine(1)

    async def cancel() -> Any:
        first = asyncio.create_task(engine.arun(Job(Body(time.sleep), (0.1,), {}, copy_context())))
        second = asyncio.create_task(engine.arun(Job(Body(spin), (), {}, copy_context())))
        third = asyncio.create_task(engine.arun(Job(Body(abs), (-3,), {}, copy_context())))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait([second])
        await first
        return await third

    assert async_driver.run(cancel()) == 3


# ── crashes ────────────────────────────────────────────────────────────────────────────────────────────


def segfault() -> None:
    ctypes.string_at(0)


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leave() -> None:
    os._exit(7)


@pytest.mark.parametrize(
    ("function", "code"), [(segfault, -signal.SIGSEGV), (kill_itself, -signal.SIGKILL), (leave, 7), (os.abort, -6)]
)
def test_a_crash_is_the_outcome_of_that_call(workers: Any, function: Any, code: int) -> None:
    with pytest.raises(WorkerCrashed) as raised:
        workers.call(function)
    assert raised.value.exit_code == code
    assert status_of(raised.value) == "crashed"
    assert workers.call(abs, -1) == 1


def test_a_crash_leaves_the_neighbours_alone(new_engine: Any, async_driver: Any) -> None:
    engine = new_engine(3)

    async def together() -> list[Any]:
        bodies = [(kill_itself, ()), (leave, ()), *((time.sleep, (0.05,)) for _ in range(6))]
        jobs = [Job(Body(body), args, {}, copy_context()) for body, args in bodies]
        return await asyncio.gather(*map(engine.arun, jobs), return_exceptions=True)

    results = async_driver.run(together())
    assert [type(each) for each in results[:2]] == [WorkerCrashed, WorkerCrashed]
    assert results[2:] == [None] * 6


def test_a_crash_in_the_middle_of_an_answer_is_told_with_its_code(workers: Any) -> None:
    def answer_and_leave() -> Any:
        def later() -> None:
            time.sleep(0.02)
            os._exit(9)

        threading.Thread(target=later).start()
        return _Slow()

    with pytest.raises(WorkerCrashed) as raised:
        workers.call(answer_and_leave)
    assert raised.value.exit_code == 9


class _Slow:
    """Its pickling never ends."""

    def __reduce__(self) -> Any:
        time.sleep(1e6)


def test_a_worker_that_died_while_idle_is_replaced_unseen(new_workers: Any) -> None:
    workers = new_workers(1)
    pid = workers.call(os.getpid)
    for worker in workers.engine._pool.workers():
        if worker.pid == pid:
            os.kill(pid, signal.SIGKILL)
            worker.wait(10)
    assert workers.call(abs, -1) == 1


def test_the_spare_gets_to_know_the_tools_before_it_is_needed(new_workers: Any) -> None:
    workers = new_workers(1)
    workers.call(allocate, 1)
    [spare] = workers.engine._pool._free[:1]
    number = workers.job.body.shipment.number
    while number not in spare.loaded:
        spare.wait(10)
        for kind, payload in spare.receive():
            spare.hear(kind, payload)
    with pytest.raises(WorkerCrashed):
        workers.call(leave)
    assert workers.call(allocate, 2) == 2


def test_a_lost_fork_server_is_replaced(new_workers: Any) -> None:
    workers = new_workers(1)
    pid = workers.call(os.getpid)
    LAUNCHER.process.kill()
    assert ends(pid)
    for worker in workers.engine._pool.workers():
        while not worker.gone:  # what it has said before is to be read, too
            worker.wait(10)
            for kind, payload in worker.receive():
                worker.hear(kind, payload)
    assert workers.call(abs, -1) == 1


# ── memory ─────────────────────────────────────────────────────────────────────────────────────────────


def allocate(size: int) -> int:
    return len(bytearray(size))


def test_a_body_beyond_its_memory_limit_meets_a_memory_error(workers: Any) -> None:
    with pytest.raises(MemoryError):
        workers.call(allocate, 300 << 20, memory_limit=100 << 20)
    assert workers.call(allocate, 10 << 20, memory_limit=100 << 20) == 10 << 20


def test_a_memory_limit_is_for_one_call(new_workers: Any) -> None:
    workers = new_workers(1)
    workers.call(allocate, 1, memory_limit=100 << 20)
    assert workers.call(allocate, 200 << 20) == 200 << 20


def sleep_and_say_so(folder: Path) -> str:
    (folder / "began").touch()
    time.sleep(1)
    (folder / "ended").touch()
    return "done"


def test_a_body_that_ended_late_while_its_loop_was_held_is_a_timeout(async_driver: Any, tmp_path: Path) -> None:
    job = Job(Body(sleep_and_say_so), (tmp_path,), {}, copy_context(), name="tool", timeout=0.5)

    async def main() -> None:
        task = asyncio.create_task(PROCESSES.arun(job))
        while not (tmp_path / "began").exists():
            await asyncio.sleep(0)
        while not (tmp_path / "ended").exists():
            time.sleep(0.001)
        with pytest.raises(ToolTimeout, match=r"did not end within its timeout of 0\.5 s\.$"):
            await task

    async_driver.run(main())
    assert job.stopped_by is StoppedBy.NONE


def test_the_timeout_of_a_body_begins_when_it_does_however_long_its_worker_waits_for_a_turn(new_workers: Any) -> None:
    workers = new_workers(1)
    worker = workers.call(os.getpid)
    os.kill(worker, signal.SIGSTOP)
    turn = threading.Timer(1, os.kill, (worker, signal.SIGCONT))
    turn.start()
    assert workers.call(os.getpid, timeout=0.5) == worker
    turn.join()
