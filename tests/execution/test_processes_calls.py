"""Worker processes: what goes there, and what comes back."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, ContextVar, copy_context
from functools import partial, wraps
from typing import Any

import pytest

from toolrun.execution.body import Body
from toolrun.execution.carried import carry
from toolrun.execution.errors import NotPicklable, WorkerCrashed
from toolrun.execution.job import Job
from toolrun.execution.processes import PROCESSES
from toolrun.execution.processes._frames import KNOWN_BODIES
from toolrun.execution.processes.errors import RemoteError

pytestmark = pytest.mark.timeout(30)


def add(a: int, b: int) -> int:
    return a + b


async def aadd(a: int, b: int) -> int:
    await asyncio.sleep(0)
    return a + b


def add_by_generator(a: int, b: int) -> Iterator[int]:
    yield 0
    yield a + b


async def add_by_async_generator(a: int, b: int) -> AsyncIterator[int]:
    yield 0
    yield a + b


class Decorated:
    def __init__(self, func: Any) -> None:
        self.func = func
        self.lock = threading.Lock()


@Decorated
def decorated(a: int, b: int) -> int:
    return a + b


def plainly_wrapped(function: Any) -> Any:
    @wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args) + 100

    return wrapper


@plainly_wrapped
def wrapped(a: int, b: int) -> int:
    return a + b


class Counter:
    def __init__(self, start: int) -> None:
        self.value = start

    def add(self, a: int, b: int) -> int:
        return self.value + a + b


def test_a_job_tells_the_worker_that_ran_it(workers: Any) -> None:
    process = workers.call(os.getpid)
    assert workers.job.worker == process != os.getpid()


def test_a_job_tells_the_worker_that_it_crashed(workers: Any) -> None:
    with pytest.raises(WorkerCrashed):
        workers.call(os._exit, 3)
    crashed = workers.job.worker
    assert crashed not in (None, os.getpid(), workers.call(os.getpid))


@pytest.mark.parametrize("function", [add, aadd, add_by_generator, add_by_async_generator, decorated.func])
def test_every_kind_of_body_runs_in_a_worker(workers: Any, function: Any) -> None:
    assert workers.call_with(function, (1,), {"b": 2}) == 3


def test_a_body_runs_in_another_process_in_its_main_thread(workers: Any) -> None:
    pid, is_main = workers.call(lambda: (os.getpid(), threading.current_thread() is threading.main_thread()))
    assert pid != os.getpid()
    assert is_main


def test_a_wrapped_function_goes_with_its_wrapper(workers: Any) -> None:
    assert workers.call(wrapped, 1, 2) == 103


def test_a_closure_goes_by_value(workers: Any) -> None:
    offset = 10
    assert workers.call(lambda a: a + offset, 1) == 11


def test_a_bound_method_takes_its_instance_along(workers: Any) -> None:
    assert workers.call(Counter(100).add, 1, 2) == 103


def test_a_class_defined_in_a_function_comes_back_as_itself(workers: Any) -> None:
    class Point:
        x = 1

    assert isinstance(workers.call(lambda: Point()), Point)


def test_workers_are_nice(workers: Any) -> None:
    assert workers.call(os.getpriority, os.PRIO_PROCESS, 0) == max(10, os.getpriority(os.PRIO_PROCESS, 0))


def test_a_new_worker_stands_where_the_parent_stands_now(new_workers: Any, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert new_workers(1).call(os.getcwd) == str(tmp_path)


def test_a_new_worker_has_the_environment_as_it_is_now(new_workers: Any, monkeypatch: Any) -> None:
    workers = new_workers(1)
    monkeypatch.setenv("TOOLRUN_TEST", "now")
    assert workers.call(os.getenv, "TOOLRUN_TEST") == "now"


def test_megabytes_go_both_ways(workers: Any) -> None:
    data = os.urandom(1000) * 5000
    assert workers.call(bytes.upper, data) == data.upper()


def test_calls_beyond_the_limit_wait_in_line(new_engine: Any, async_driver: Any) -> None:
    engine, body = new_engine(2), Body(add)

    async def many() -> list[int]:
        jobs = [Job(body, (one, 1), {}, copy_context()) for one in range(50)]
        return await asyncio.gather(*map(engine.arun, jobs))

    assert async_driver.run(many()) == list(range(1, 51))
    assert len(engine._pool.workers()) == 3  # two at work, and the spare


def test_a_worker_keeps_the_latest_of_many_bodies(new_engine: Any) -> None:
    engine = new_engine(1)
    bodies = [Body(partial(add, one)) for one in range(KNOWN_BODIES + 10)]
    for _ in range(2):
        assert [engine.run(Job(body, (1,), {}, Context())) for body in bodies] == [
            one + 1 for one in range(len(bodies))
        ]


def test_threads_share_the_workers(new_engine: Any) -> None:
    engine, body = new_engine(2), Body(add)
    with ThreadPoolExecutor(8) as threads:
        sums = threads.map(lambda one: engine.run(Job(body, (one, 1), {}, copy_context())), range(50))
        assert list(sums) == list(range(1, 51))


tenant = carry(ContextVar[str]("tenant_of_the_test"))


def whose() -> str | None:
    return tenant.get(None)


def test_a_carried_context_variable_is_set_in_the_worker_for_its_call(workers: Any) -> None:
    context = copy_context()
    context.run(tenant.set, "ours")
    assert context.run(workers.call, whose) == "ours"
    assert workers.call(whose) is None


def test_two_carried_variables_have_two_names() -> None:
    with pytest.raises(ValueError, match="tenant_of_the_test"):
        carry(ContextVar("tenant_of_the_test"))
    assert carry(tenant) is tenant


# ── errors ─────────────────────────────────────────────────────────────────────────────────────────────


class Refusal(Exception):
    def __init__(self, code: int, *, reason: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(f"{code}: {reason}")

    def __reduce__(self) -> Any:
        return _refusal, (self.code, self.reason)


def _refusal(code: int, reason: str) -> Refusal:
    return Refusal(code, reason=reason)


class Unsendable(Exception):
    def __init__(self, *, lock: Any) -> None:
        self.lock = lock
        super().__init__("holds a lock")


def refuse() -> None:
    raise Refusal(7, reason="no")


def fail_unsendably() -> None:
    raise Unsendable(lock=threading.Lock())


def test_an_exception_comes_back_as_itself_and_tells_where_it_was_raised(workers: Any) -> None:
    with pytest.raises(Refusal) as raised:
        workers.call(refuse)
    assert (raised.value.code, raised.value.reason) == (7, "no")
    assert "raise Refusal(7" in "".join(raised.value.__notes__)


def test_an_exception_class_of_the_callers_own_can_be_caught(workers: Any) -> None:
    class Local(Exception):
        pass

    def fail() -> None:
        raise Local("here")

    with pytest.raises(Local, match="here"):
        workers.call(fail)


def test_an_exception_that_cannot_be_sent_is_told(workers: Any) -> None:
    with pytest.raises(RemoteError, match="Unsendable: holds a lock") as raised:
        workers.call(fail_unsendably)
    assert raised.value.type_name == "Unsendable"
    assert "raise Unsendable" in raised.value.remote_traceback


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_an_exit_of_the_body_is_the_callers(workers: Any, error: Any) -> None:
    def leave() -> None:
        raise error(3)

    if workers.driver.is_async:  # asyncio lets both tear the loop down: caught inside
        workers.driver.run(_expect(error, workers, leave))
    else:
        with pytest.raises(error):
            workers.call(leave)
    assert workers.call(add, 1, 2) == 3


async def _expect(error: Any, workers: Any, function: Any) -> None:
    with pytest.raises(error):
        await workers.engine.arun(Job(Body(function), (), {}, copy_context()))


def test_a_result_that_cannot_be_sent_is_an_error_of_that_call(workers: Any) -> None:
    with pytest.raises(NotPicklable, match=r"the result\['key'\].*lock"):
        workers.call(lambda: {"key": threading.Lock()})
    assert workers.call(add, 1, 2) == 3


def test_an_argument_that_cannot_be_sent_is_named(workers: Any) -> None:
    with pytest.raises(NotPicklable, match=r"the arguments\['a'\]\[1\] \(lock\)"):
        workers.call_with(add, (), {"a": [1, threading.Lock()], "b": 1})


def test_a_body_that_cannot_be_sent_is_named(workers: Any) -> None:
    lock = threading.Lock()
    with pytest.raises(NotPicklable, match="the function"):
        workers.call(lambda: lock.locked())


def test_a_body_that_cannot_be_sent_is_known_before_its_first_call() -> None:
    lock = threading.Lock()
    with pytest.raises(NotPicklable, match=r"'mine'.*lock"):
        PROCESSES.check(Body(lambda: lock.locked()), "mine")
    PROCESSES.check(Body(add), "add")


def test_a_module_that_cannot_be_imported_there_fails_its_call(workers: Any, tmp_path: Any, monkeypatch: Any) -> None:
    (tmp_path / "only_here.py").write_text(
        "import os\nif os.getpid() != PARENT: raise ValueError('not here')\ndef f(): pass\n".replace(
            "PARENT", str(os.getpid())
        )
    )
    monkeypatch.syspath_prepend(tmp_path)
    only_here = __import__("only_here")
    try:
        with pytest.raises(ValueError, match="not here"):
            workers.call(only_here.f)
    finally:
        del sys.modules["only_here"]


def test_quick_calls_one_after_another_leave_the_loop_its_turns(async_driver: Any) -> None:
    body = Body(add)

    async def count(turns: list[None]) -> None:
        while True:
            turns.append(None)
            await asyncio.sleep(0)

    async def main() -> int:
        turns: list[None] = []
        counting = asyncio.create_task(count(turns))
        for number in range(200):
            assert await PROCESSES.arun(Job(body, (number, 1), {}, copy_context(), name="add")) == number + 1
        counting.cancel()
        return len(turns)

    assert async_driver.run(main()) >= 200 // 10


def test_a_worker_that_was_quick_may_be_slow(async_driver: Any) -> None:
    async def main() -> list[Any]:
        naps = [0, 0, 0.02, 0, 0]
        bodies = [Job(Body(nap), (seconds,), {}, copy_context(), name="nap") for seconds in naps * 2]
        return [await PROCESSES.arun(job) for job in bodies]

    assert async_driver.run(main()) == [0, 0, 0.02, 0, 0] * 2


def nap(seconds: float) -> float:
    time.sleep(seconds)
    return seconds
