"""One call as the parent sees it: what to send, what has come, how it ended. Shared by both drivers; never waits."""

from __future__ import annotations

import pickle
import time
from collections import deque
from typing import Any

from toolrun.execution.carried import carried_values
from toolrun.execution.errors import NotPicklable, ToolTimeout, WorkerCrashed
from toolrun.execution.job import Job
from toolrun.execution.processes._forward import facts_of
from toolrun.execution.processes._frames import (
    BEGAN,
    CALL,
    EVENT,
    LOADED,
    RAISE,
    REFUSE,
    RETURN,
    TOOK,
    Frame,
    frame,
    seconds_of,
)
from toolrun.execution.processes._pickling import are_plain, culprit, dump_value, load_value
from toolrun.execution.processes._shipping import Shipment, shipment_of
from toolrun.execution.processes._worker import Worker
from toolrun.execution.processes.sessions import Member
from toolrun.run import StoppedBy

LOADING_SECONDS = 60.0
"""How long a worker may take to start and to import a tool's module; the body's own time begins after that."""


_PROTOCOL = pickle.HIGHEST_PROTOCOL

_ATTEMPTS = 3
"""Workers that may be lost before they begin, until the blame is on the call: importing its module may crash them."""


class NotStarted(Exception):
    """The worker had gone before it began the call: another one can have it."""


class Exchange:
    """A call on its way to a worker and back."""

    __slots__ = (
        *("_attempts", "_call", "_is_late", "_shipment", "_value", "begun"),
        *("deadline", "done", "error", "events", "job", "worker"),
    )

    def __init__(self, job: Job) -> None:
        """Raises `NotPicklable` if the body or its arguments cannot go to another process."""
        self.job = job
        function: Any = job.body.function
        self._shipment: Shipment | None = None
        if isinstance(function, Member):
            target: Any = (function.session, function.name)
        else:
            self._shipment = _shipment(job)
            target = self._shipment.number
        facts = None if job.run is None else _facts(job)
        call = (target, facts, job.memory_limit, job.timeout is not None, _carried(job), *_arguments(job))
        self._call = frame(CALL, pickle.dumps(call, _PROTOCOL))
        self.worker: Worker | None = None
        self.events: deque[bytes] = deque()
        """Those that have come and were not told yet."""
        self.begun = self.done = self._is_late = False
        self._attempts = 0
        self.deadline: float | None = None
        self.error: BaseException | None = None
        self._value: Any = None

    def begin(self, worker: Worker) -> memoryview | None:
        """Send the call; returns what does not go out at once."""
        self.worker = worker
        self.job.worker = worker.pid
        self.done, self.error = False, None
        self._attempts += 1
        data, shipment = self._call, self._shipment
        if shipment is not None and worker.needs(shipment.number):
            data = shipment.frame + data
        self._look_whether_begun()
        if worker.parting:
            data, worker.parting = worker.parting + data, b""
        try:
            return worker.send(data)
        except OSError:
            self.done = worker.gone = True
            self._attempts -= 1  # it had gone before: all idle ones may have, with the fork server
            raise NotStarted from None

    def _look_whether_begun(self) -> None:
        """Whether the worker has the body. Its time begins when the worker says so: there may be much to do before."""
        shipment, worker, seconds = self._shipment, self.worker, self.job.timeout
        assert worker is not None
        self.begun = shipment is None or shipment.number in worker.loaded
        if seconds is not None:
            self.deadline = time.monotonic() + LOADING_SECONDS + seconds

    def seconds_left(self) -> float | None:
        """Until the deadline; None if there is none."""
        return None if self.deadline is None else self.deadline - time.monotonic()

    def take(self, frames: list[Frame]) -> None:
        """Take in what has come."""
        worker = self.worker
        assert worker is not None
        for kind, payload in frames:
            if kind == EVENT:
                self.events.append(payload)
            elif kind == BEGAN:
                self.deadline = seconds_of(payload) + (self.job.timeout or 0.0)
            elif kind == TOOK:
                self._is_late = seconds_of(payload) > (self.job.timeout or 0.0)
            elif kind >= LOADED:
                worker.hear(kind, payload)
                self.job.worker = worker.pid
                if kind == LOADED:
                    self._look_whether_begun()
            else:
                self._end(kind, payload)
        if worker.gone and not self.done:
            self.done = True
            may_try_again = not self.begun and self._attempts < _ATTEMPTS
            self.error = NotStarted() if may_try_again else WorkerCrashed(self.job.name, worker.exit_code)

    def _end(self, kind: int, payload: bytes) -> None:
        self.done = True
        try:
            if self._is_late:  # it ended by itself before anybody had the time to look at the clock
                self.error = ToolTimeout(self.job.name, self.job.timeout or 0.0)
            elif kind == RETURN:
                self._value = load_value(payload)
            elif kind == RAISE:
                error, told = load_value(payload)
                error.add_note(f"\nIn the worker process:\n{told}")
                self.error = error
            elif kind == REFUSE:
                way, type_name, why = load_value(payload)
                self.error = NotPicklable(self.job.name, f"{way} ({type_name})", why)
        except Exception as error:
            self.error = NotPicklable(
                self.job.name, "what came back from the worker", f"{type(error).__name__}: {error}"
            )

    def time_out(self) -> None:
        """The deadline has come: the worker is killed. What it said before and nobody was told yet is dropped."""
        if self.done:
            return
        assert self.job.timeout is not None
        self.kill()
        self.done, self.error = True, ToolTimeout(self.job.name, self.job.timeout, StoppedBy.KILL)
        self.events.clear()

    def kill(self) -> None:
        """Nobody waits for the call any more: its worker is killed."""
        if not self.done and self.worker is not None:
            self.worker.kill()
            self.job.worker = self.worker.pid
            self.job.was_stopped(StoppedBy.KILL)

    def result(self) -> Any:
        """What the call came to; `NotStarted` if another worker is to try."""
        error, self.error = self.error, None
        try:
            if error is not None:
                raise error
        finally:
            del error  # or its traceback would hold this frame, and this frame the error
        return self._value


def _shipment(job: Job) -> Shipment:
    try:
        return shipment_of(job.body)
    except Exception as error:
        way, thing = culprit(job.body.function, "the function") or ("the function", job.body.function)
        raise _refused(job, way, thing, error) from error


def _arguments(job: Job) -> tuple[Any, ...]:
    """The arguments as they are, or all in one lump of bytes where the call's own frame cannot hold them."""
    args, kwargs = job.args, job.kwargs
    if are_plain(args) and are_plain(kwargs.values()):
        return args, kwargs
    try:
        return dump_value((args, kwargs)), None
    except Exception as error:
        way, thing = culprit(job.kwargs, "the arguments") or culprit(job.args, "the arguments") or ("", args)
        raise _refused(job, way, thing, error) from error


def _carried(job: Job) -> bytes | None:
    values = carried_values(job.context)
    if values is None:
        return None
    try:
        return dump_value(values)
    except Exception as error:
        way, thing = culprit(values, "the context variables") or ("the context variables", values)
        raise _refused(job, way, thing, error) from error


def _facts(job: Job) -> tuple[Any, ...] | None:
    try:
        return facts_of(job.run, dump_value)
    except Exception as error:
        way, thing = culprit(job.run.metadata, "metadata") or ("metadata", job.run.metadata)
        raise _refused(job, way, thing, error) from error


def _refused(job: Job, way: str, thing: Any, error: Exception) -> NotPicklable:
    return NotPicklable(job.name, f"{way} ({type(thing).__qualname__})", f"{type(error).__name__}: {error}")
