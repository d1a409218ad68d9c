"""Worker processes that are started before anybody needs them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest

from toolrun.execution.processes._launcher import LAUNCHER
from toolrun.execution.processes._setting import setting_here, take_over
from toolrun.execution.processes.errors import NotPreloadable, TooManyWorkers

pytestmark = pytest.mark.timeout(60)


def has(module: str) -> bool:
    return module in sys.modules


@pytest.fixture
def new_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module that nobody has imported yet: all engines have one fork server."""
    name = f"module_{uuid4().hex}"
    (tmp_path / f"{name}.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_as_many_workers_as_are_wanted_are_there_before_any_call(driver: Any, new_engine: Any) -> None:
    engine = new_engine(3)
    driver.warm(engine, 2)
    assert engine.workers == 2
    driver.warm(engine)
    assert engine.workers == 4  # three and one to spare
    assert all(worker.has_spoken() for worker in engine._pool.workers())


def test_calls_get_the_workers_that_were_started_ahead(driver: Any, new_workers: Any) -> None:
    workers = new_workers(2)
    driver.warm(workers.engine)
    before = set(workers.engine._pool.workers())
    workers.call(os.getpid)
    assert set(workers.engine._pool.workers()) == before


def test_workers_begin_with_the_modules_that_were_asked_for(driver: Any, new_workers: Any, new_module: str) -> None:
    workers = new_workers(1)
    assert not workers.call(has, new_module)
    driver.warm(workers.engine, 1, [new_module])  # the worker that was idle has not got it, and goes
    assert workers.call(has, new_module)


@pytest.mark.parametrize("module", ["toolrun.tools", "toolrun.runner._worker_sessions"])
def test_workers_that_are_started_ahead_have_what_tools_and_sessions_need(
    driver: Any, new_workers: Any, module: str
) -> None:
    workers = new_workers(1)
    driver.warm(workers.engine)
    assert workers.call(has, module)


def test_modules_stay_for_workers_that_are_started_later(driver: Any, new_workers: Any, new_module: str) -> None:
    driver.warm(new_workers(1).engine, 1, [new_module])
    assert new_workers(1).call(has, new_module)


@pytest.mark.parametrize(
    "line", ["__import__('subprocess').Popen(['true'])", "raise SystemExit(3)", "raise ValueError"]
)
def test_whatever_a_module_does_the_fork_server_goes_on(
    driver: Any, new_workers: Any, new_module: str, tmp_path: Path, line: str
) -> None:
    (tmp_path / f"{new_module}.py").write_text(f"import os\nif os.getpid() != {os.getpid()}:\n    {line}\n")
    workers = new_workers(1)
    workers.call(abs, -1)
    server = LAUNCHER.process
    driver.warm(workers.engine, 1, [new_module])
    assert workers.call(abs, -1) == 1
    os.kill(workers.call(os.getpid), 9)  # one more to reap
    driver.warm(new_workers(1).engine)
    assert server is LAUNCHER.process
    assert server is not None
    assert server.poll() is None


def test_more_workers_than_may_ever_work_are_refused(driver: Any, new_engine: Any) -> None:
    with pytest.raises(TooManyWorkers, match="9 workers are more than the 2 that may work at once"):
        driver.warm(new_engine(2), 9)


def test_a_module_that_is_not_there_is_told_at_once(driver: Any, new_engine: Any) -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        driver.warm(new_engine(1), 1, ["no_such_module"])


def test_a_module_that_was_executed_is_refused(driver: Any, new_engine: Any) -> None:
    program = ModuleType("program")
    with pytest.raises(NotPreloadable, match="'program', which was executed and not imported"):
        driver.warm(new_engine(1), 1, [program])


def test_a_module_that_starts_threads_is_warned_of(tmp_path: Path, new_module: str) -> None:
    (tmp_path / f"{new_module}.py").write_text("import threading\nthreading.Timer(0.2, int).start()")
    with pytest.warns(UserWarning, match=f"importing '{new_module}' starts threads"):
        take_over(setting_here([(new_module, None)]))
