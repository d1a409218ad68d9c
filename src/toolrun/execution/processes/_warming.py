"""Workers that are there before they are needed, with their modules imported."""

from __future__ import annotations

import time
from collections.abc import Iterable
from importlib import import_module
from types import ModuleType

from toolrun.execution.processes._launcher import LAUNCHER
from toolrun.execution.processes._pool import Pool
from toolrun.execution.processes._worker import Worker
from toolrun.execution.processes.errors import NotPreloadable, TooManyWorkers

_OF_MOST_BODIES = ("toolrun.tools", "toolrun.runner._worker_sessions")
"""What workers need for tools and sessions, by name alone: they are of higher floors."""

_LOOK_AGAIN = 0.05
"""Seconds; a call that takes a worker meanwhile reads its first words in our place."""


def warm(pool: Pool, workers: int | None, modules: Iterable[ModuleType | str], patience: float) -> None:
    """Have as many workers started, and wait for them, but no longer than so many seconds."""
    count = pool.limit + 1 if workers is None else workers
    if count > pool.limit + 1:
        raise TooManyWorkers(count, pool.limit)
    if _preload(modules):
        pool.let_idle_go()
    pool.grow(count)
    _wait_for(pool.workers(), time.monotonic() + patience)


def _preload(modules: Iterable[ModuleType | str]) -> bool:
    """Have new workers begin with these modules; whether there is one that others have not."""
    known = len(LAUNCHER.preload)
    LAUNCHER.preload.update(dict.fromkeys(_OF_MOST_BODIES))
    for each in modules:
        module = import_module(each) if isinstance(each, str) else each
        if module.__spec__ is None:  # it was executed, as a program is
            raise NotPreloadable(module.__name__)
        LAUNCHER.preload.setdefault(module.__name__, getattr(module, "__file__", None))
    return len(LAUNCHER.preload) > known


def _wait_for(workers: list[Worker], deadline: float) -> None:
    waiting = [worker for worker in workers if not worker.has_spoken()]
    while waiting and (seconds := deadline - time.monotonic()) > 0:
        waiting[0].wait(min(seconds, _LOOK_AGAIN))
        waiting = [worker for worker in waiting if not worker.has_spoken()]
