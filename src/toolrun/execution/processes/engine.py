"""The process engine: takes a worker from its pool, has it run the job, gives it back.

A caller that stops waiting, for whatever reason, has the worker killed: nobody is left to take its answer.
"""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections.abc import Callable, Hashable, Iterable
from contextvars import Context, copy_context
from types import ModuleType
from typing import Any

from toolrun._background_loop import held
from toolrun._offload import TOOL_POOL
from toolrun.execution.body import Body
from toolrun.execution.errors import WorkerCrashed
from toolrun.execution.job import Job
from toolrun.execution.processes._aconverse import aconverse
from toolrun.execution.processes._converse import converse
from toolrun.execution.processes._exchange import Exchange, NotStarted
from toolrun.execution.processes._launcher import LAUNCHER
from toolrun.execution.processes._pool import Pool
from toolrun.execution.processes._ticket import Ticket
from toolrun.execution.processes._warming import warm
from toolrun.execution.processes._worker import Worker
from toolrun.execution.processes.sessions import Tools, make_session


class ProcessEngine:
    """Runs every body in a worker process, `limit` at once, by default twice as many as there are processors."""

    name = "processes"

    def __init__(self, limit: int | None = None) -> None:
        self._pool = Pool(LAUNCHER.launch, limit or 2 * _processors())
        _engines.add(self)

    @property
    def limit(self) -> int:
        """How many bodies run at once."""
        return self._pool.limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self._pool.limit = limit

    @property
    def workers(self) -> int:
        """How many workers there are now."""
        return len(self._pool.workers())

    @property
    def waiting(self) -> int:
        """How many calls wait for a worker."""
        return self._pool.waiting()

    def warm(
        self, workers: int | None = None, modules: Iterable[ModuleType | str] = (), *, patience: float = 60.0
    ) -> None:
        """Start workers ahead of any call, by default as many as may be; returns when they are there.

        They begin with `modules` imported, once for all of them. These must not start threads: workers are forked.
        Raises what importing one raises, here; gives up waiting after `patience` seconds.
        """
        warm(self._pool, workers, modules, patience)

    async def awarm(
        self, workers: int | None = None, modules: Iterable[ModuleType | str] = (), *, patience: float = 60.0
    ) -> None:
        """The async twin of `warm`."""
        await TOOL_POOL.run_in_thread(warm, self._pool, workers, modules, patience)

    def check(self, body: Body, name: str) -> None:
        """Whether workers can get this body: `NotPicklable` says what of it they cannot, and why."""
        Exchange(Job(body, (), {}, Context(), name=name))

    def run(self, job: Job) -> Any:
        """Run the job in a worker and wait for it."""
        with held():
            return self._run(job)

    def _run(self, job: Job) -> Any:
        exchange = Exchange(job)
        while True:
            worker = self._pool.take(job.session)
            if isinstance(worker, Ticket):
                worker = self._wait(worker)
            try:
                return converse(exchange, worker)
            except NotStarted:
                _stay_silent_at_exit()
            except WorkerCrashed:
                _stay_silent_at_exit()
                raise
            finally:
                self._pool.give_back(worker)

    async def arun(self, job: Job) -> Any:
        """Run the job in a worker while the event loop goes on."""
        exchange = Exchange(job)
        while True:
            worker = self._pool.take(job.session)
            if isinstance(worker, Ticket):
                worker = await self._await(worker)
            try:
                return await aconverse(exchange, worker, is_alone=self._pool.has_one_busy)
            except NotStarted:
                continue
            finally:
                self._pool.give_back(worker)

    def _wait(self, ticket: Ticket) -> Worker:
        try:
            return ticket.wait()
        except BaseException:
            self._pool.withdraw(ticket)
            raise

    async def _await(self, ticket: Ticket) -> Worker:
        try:
            return await ticket.waited()
        except BaseException:
            self._pool.withdraw(ticket)
            raise

    def open_session(
        self, session: Hashable, factory: Callable[[], Tools], describe: Callable[[Tools], Any] | None = None
    ) -> Any:
        """Make a session's tools in a worker, in which all jobs of that session run from now on.

        `factory` runs there, and raises here what it raises. Its tools, by name, never leave the worker; what
        `describe` says of them is returned. Their jobs have the body `Body(Member(session, name))`.
        """
        try:
            return self.run(_opening(session, factory, describe))
        except BaseException:
            self.close_session(session)
            raise

    async def aopen_session(
        self, session: Hashable, factory: Callable[[], Tools], describe: Callable[[Tools], Any] | None = None
    ) -> Any:
        """The async twin of `open_session`."""
        try:
            return await self.arun(_opening(session, factory, describe))
        except BaseException:
            self.close_session(session)
            raise

    def close_session(self, session: Hashable) -> None:
        """Forget a session, here and in its worker; one that was lost may be opened anew then."""
        self._pool.drop(session)

    def close(self) -> None:
        """End all workers. The engine can be used again: it starts new ones."""
        for worker in self._pool.workers():
            worker.kill()
        self._pool.forget()

    def forget(self) -> None:
        """In a forked child: the workers are the parent's."""
        for worker in self._pool.workers():
            worker.close()
        self._pool.forget()


def _stay_silent_at_exit() -> None:
    """Only daemon threads are left when the workers end with the program: they are to end, too, not to raise."""
    if LAUNCHER.at_exit:
        threading.Event().wait()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _opening(session: Hashable, factory: Any, describe: Any) -> Job:
    return Job(_MAKE_SESSION, (session, factory, describe), {}, copy_context(), name="session", session=session)


_MAKE_SESSION = Body(make_session)


_engines: weakref.WeakSet[ProcessEngine] = weakref.WeakSet()


def _exit() -> None:
    LAUNCHER.exit()
    for engine in list(_engines):
        engine.close()


def _forget_all() -> None:
    for engine in list(_engines):
        engine.forget()
    LAUNCHER.forget()


atexit.register(_exit)
os.register_at_fork(after_in_child=_forget_all)

PROCESSES = ProcessEngine()
