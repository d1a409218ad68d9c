"""Threads of our own for work that blocks: elastic, bounded, and cheap to hear back from.

asyncio's default executor has `cpu_count + 4` threads and is shared with name resolution, so a few slow
tools starve everything else in the process. A `ThreadPool` here grows by demand to its bound and shrinks
when idle. One thread, the pool's grower, does nothing but start the others: starting a thread waits for it to
run, and the event loop must not wait. Results go back to a loop in batches: one wake-up for all that ended meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, TypeVarTuple

logger = logging.getLogger("toolrun")

Args = TypeVarTuple("Args")
T = TypeVar("T")

Outcome = tuple[Any, "BaseException | None"]
"""What a call came to: (value, None) or (None, error)."""

_Job = tuple[Callable[..., Any], tuple[Any, ...], Any, Callable[[Any, Outcome], None]]


_AT_ONCE = 50
"""Outcomes that a loop gets in one turn: whoever waits for them is woken in the next one, all in a row."""


class _Mailbox:
    """Brings outcomes from threads to the futures of one loop."""

    __slots__ = ("_loop", "_outcomes", "_woken")

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._outcomes: deque[tuple[asyncio.Future[Outcome], Outcome]] = deque()
        self._woken = False

    @property
    def loop(self) -> AbstractEventLoop:
        return self._loop

    def post(self, future: asyncio.Future[Outcome], outcome: Outcome) -> None:
        """Called in a worker thread."""
        self._outcomes.append((future, outcome))
        if not self._woken:
            self._woken = True
            try:
                self._loop.call_soon_threadsafe(self._open)
            except RuntimeError:  # the loop was closed: nobody waits any more
                self._outcomes.clear()

    def _open(self) -> None:
        self._woken = False  # before reading: what is posted from here on wakes the loop again
        outcomes = self._outcomes
        for _ in range(min(len(outcomes), _AT_ONCE)):
            future, outcome = outcomes.popleft()
            if not future.done():
                future.set_result(outcome)
        if outcomes:
            self._woken = True
            self._loop.call_soon(self._open)


class _Here(threading.local):
    mailbox: _Mailbox | None = None
    pool: ThreadPool | None = None
    """The pool that this thread works for."""


_here = _Here()


def _mailbox(loop: AbstractEventLoop) -> _Mailbox:
    mailbox = _here.mailbox
    if mailbox is None or mailbox.loop is not loop:
        mailbox = _here.mailbox = _Mailbox(loop)
    return mailbox


def _set_outcome(future: Future[Any], outcome: Outcome) -> None:
    value, error = outcome
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)


class ThreadPool:
    """An elastic pool of daemon threads, at most `max_threads`, each given back after `idle_seconds`."""

    def __init__(self, name: str, max_threads: int, idle_seconds: float = 10.0) -> None:
        self.name, self.max_threads, self.idle_seconds = name, max_threads, idle_seconds
        self._reset()
        os.register_at_fork(after_in_child=self._reset)  # threads do not survive a fork

    def _reset(self) -> None:
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._wanted: SimpleQueue[None] = SimpleQueue()
        self._counting = threading.Lock()
        self._grower: threading.Thread | None = None
        self._threads = 0
        self._idle: set[int] = set()  # a set, because adding and discarding are atomic and += is not
        self._lost: set[int] = set()

    @property
    def threads(self) -> int:
        """How many threads live now."""
        return self._threads

    def replace(self, thread: int) -> None:
        """Do not count this thread any more: its call does not end. As many as the bound are replaced, and no more."""
        self._lost.add(thread)
        self._want_more()

    def take_back(self, thread: int) -> None:
        """Count it again: its call has ended after all."""
        self._lost.discard(thread)

    def _is_full(self) -> bool:
        lost = self._lost
        return self._threads >= (self.max_threads + min(len(lost), self.max_threads) if lost else self.max_threads)

    def start(self, function: Callable[..., Any], *args: Any) -> asyncio.Future[Outcome]:
        """Run the call in a thread; the future, of the running loop, gets its `Outcome`, never an exception.

        A call whose future is cancelled before a thread has taken it up is never made.
        """
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.start_for(future, function, *args)
        return future

    def start_for(self, future: asyncio.Future[Outcome], function: Callable[..., Any], *args: Any) -> None:
        """The same for a future of the caller's own kind."""
        self._put((function, args, future, _mailbox(future.get_loop()).post))

    async def run_in_thread(self, function: Callable[[*Args], T], *args: *Args) -> T:
        """Await the call in a thread. Cancelled, it returns at once; a body that has begun runs on."""
        value, error = await self.start(function, *args)
        try:
            if error is not None:
                raise error
        finally:
            del error  # or its traceback would hold this frame, and this frame the error
        result: T = value
        return result

    def submit(self, function: Callable[..., T], *args: Any) -> Future[T]:
        """Run the call in a thread, for callers that have no loop."""
        future: Future[T] = Future()
        self._put((function, args, future, _set_outcome))
        return future

    def spawn(self, function: Callable[[], None]) -> None:
        """Run the call in a thread and forget it; it must not raise."""
        self._put((function, (), _NOBODY, _forget))

    def _put(self, job: _Job) -> None:
        if _here.pool is self and self._is_full():
            # One of our own asks, and will wait: behind others who do the same it might wait for ever.
            threading.Thread(target=self._work_once, args=(job,), name=f"{self.name}-inner", daemon=True).start()
            return
        self._jobs.put(job)
        self._want_more()

    def _work_once(self, job: _Job) -> None:
        _here.pool = self
        function, args, future, deliver = job
        if not future.cancelled():
            deliver(future, _outcome_of(function, args))

    def _want_more(self) -> None:
        """Have a thread started if there is more to do than there are idle ones."""
        if self._jobs.qsize() > len(self._idle) and not self._is_full():
            self._wanted.put(None)
            if self._grower is None:
                self._start_grower()

    def _start_grower(self) -> None:
        with self._counting:
            if self._grower is None:
                self._grower = threading.Thread(target=self._grow, name=f"{self.name}-grower", daemon=True)
                self._grower.start()

    def _grow(self) -> None:
        """Start a thread whenever there is more to do than there are idle ones."""
        while True:
            self._wanted.get()
            if self._jobs.qsize() > len(self._idle):
                self._add_thread()

    def _add_thread(self) -> None:
        with self._counting:
            if self._is_full():
                return
            self._threads += 1
            number = self._threads
        try:
            threading.Thread(target=self._work, name=f"{self.name}-{number}", daemon=True).start()
        except RuntimeError:  # the system has no thread to give, or (on 3.12) the interpreter is shutting down
            with self._counting:
                self._threads -= 1
            if number == 1:
                self._work_off()
            else:  # those that there are will do the work
                logger.warning("%s: the system has no thread beyond %d", self.name, number - 1)

    def _work_off(self) -> None:
        """Do here, in the grower's thread, what there is nobody else to do."""
        with suppress(Empty):
            while True:
                self._work_once(self._jobs.get_nowait())

    def _work(self) -> None:
        _here.pool = self
        jobs, idle, me = self._jobs, self._idle, threading.get_ident()
        idle.add(me)
        while True:
            try:
                function, args, future, deliver = jobs.get(timeout=self.idle_seconds)
            except Empty:
                idle.discard(me)
                if self._retire():
                    return
                idle.add(me)
                continue
            idle.discard(me)
            if jobs.qsize() > len(idle):  # put while this thread had a job already but still passed for idle
                self._wanted.put(None)
            outcome = None if future.cancelled() else _outcome_of(function, args)
            idle.add(me)  # before it is out: whoever gets it may have the next call at once, and would find nobody
            if outcome is not None:
                deliver(future, outcome)
            del function, args, future, deliver, outcome  # an idle thread must not keep the last tool's arguments alive

    def _retire(self) -> bool:
        with self._counting:
            if self._jobs.qsize():
                return False
            self._threads -= 1
            return True


_NOBODY: Future[Any] = Future()
"""Stands for the future of a call that nobody waits for."""


def _forget(_: Future[Any], outcome: Outcome) -> None:
    if outcome[1] is not None:
        logger.error("a call that nobody waits for failed", exc_info=outcome[1])


def _outcome_of(function: Callable[..., Any], args: tuple[Any, ...]) -> Outcome:
    """Make the call. An error's traceback holds this frame, so nothing in it may lead to the error."""
    try:
        return function(*args), None
    except BaseException as error:
        return None, error


TOOL_POOL = ThreadPool("toolrun-tool", max_threads=256)
"""For the bodies of sync tools."""

HANDLER_POOL = ThreadPool("toolrun-handler", max_threads=32)
"""For sync handlers off the loop; apart from the tools', so neither starves the other."""

LANE_POOL = ThreadPool("toolrun-lane", max_threads=256)
"""For background lanes, which may be held for long; a lane needs one thread at most."""
