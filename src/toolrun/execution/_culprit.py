"""Who holds a thread: found by walking its frames to the code of a driver, which has run and handler in its locals.

Nothing is recorded while runs are made. A driver is a function that calls bodies or handlers; each has a reader here,
or registers one by `reads`, that tells from the driver's locals whom it has called.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from traceback import FrameSummary
from types import CodeType, FrameType
from typing import Any, NamedTuple

from toolrun import _eager
from toolrun.callbacks._deliver_async import AsyncDelivery
from toolrun.callbacks._deliver_sync import SyncDelivery
from toolrun.callbacks._delivery import Delivery as AnyDelivery
from toolrun.callbacks._events import AnyEvent
from toolrun.execution.job import Job

Delivery = SyncDelivery | AsyncDelivery


class Called(NamedTuple):
    """What a driver has called: the handler for an event, or the body of a tool; and for which run."""

    name: str
    delivery: Delivery | None
    event: str | None = None


class Culprit(NamedTuple):
    """Who holds the thread, and by which line."""

    driver: FrameType
    """The driver's frame; while it is the same one, it is the same call."""
    called: Called
    line_of: FrameType
    """The frame of the body or handler, or of what the driver called in their place."""
    leaf: FrameType

    def stack(self) -> list[FrameSummary]:
        """From the body or handler down to the line that holds the thread. Reads no file: that would let the GIL go."""
        frames = []
        frame: FrameType | None = self.leaf
        while frame is not None:
            code = frame.f_code
            frames.append(FrameSummary(code.co_filename, frame.f_lineno, code.co_qualname, lookup_line=False))
            frame = frame.f_back if frame is not self.line_of else None
        return frames[::-1]


Reader = Callable[[FrameType], Called | None]
_readers: dict[CodeType, Reader] = {}


def reads(driver: Callable[..., Any], reader: Reader) -> None:
    """Make a function known as a driver."""
    _readers[driver.__code__] = reader


def culprit(leaf: FrameType, task: asyncio.Task[Any] | None) -> Culprit | None:
    """Who holds the thread that is at `leaf`; outside any run, the task that is current there, if there is one."""
    line_of: FrameType | None = None
    frame: FrameType | None = leaf
    while frame is not None:
        reader = _readers.get(frame.f_code)
        called = reader(frame) if reader is not None else None
        if called is not None:
            return Culprit(frame, called, line_of or leaf, leaf)
        if not _is_ours(frame):
            line_of = frame
        frame = frame.f_back
    return _of_task(leaf, task)


def _of_task(leaf: FrameType, task: asyncio.Task[Any] | None) -> Culprit | None:
    own: FrameType | None = getattr(task.get_coro(), "cr_frame", None) if task is not None else None
    frame: FrameType | None = leaf
    while frame is not None and frame is not own:
        frame = frame.f_back
    return Culprit(frame, Called(frame.f_code.co_qualname, None), frame, leaf) if frame is not None else None


_OURS = str(Path(__file__).parents[1]) + os.sep


def _is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_OURS)


# ── the drivers of handlers ────────────────────────────────────────────────────────────────────────────


def _of_handler(delivery: Delivery, position: int, event: AnyEvent) -> Called:
    return Called(type(delivery.handlers[position]).__qualname__, delivery, event.name)


def _in_turn(frame: FrameType) -> Called | None:
    """Handlers that are called one after another: their position is the loop's variable."""
    local = frame.f_locals
    return _of_handler(local["self"], local["position"], local["event"]) if "position" in local else None


def _first_step(frame: FrameType) -> Called | None:
    """An async handler's first step: the position is known here, the run to who called."""
    position, starter = frame.f_locals.get("position"), frame.f_back
    if position is None or starter is None or starter.f_code is not AsyncDelivery._start_tasks.__code__:
        return None
    return _of_handler(starter.f_locals["self"], position, starter.f_locals["event"])


def _later_step(frame: FrameType) -> Called | None:
    """A later step of an async handler, or of a body with a timeout, in the task that carries it on."""
    of = frame.f_locals["self"].of
    return _of_handler(*of) if isinstance(of, tuple) else job_called(of)


def job_called(job: Any) -> Called | None:
    """The body of a job."""
    if not isinstance(job, Job):
        return None
    return Called(job.name, job.run._delivery if job.run is not None else None)


reads(AsyncDelivery._call_inline, _in_turn)
reads(AsyncDelivery._await_inline, _in_turn)
reads(AnyDelivery._call_each, _in_turn)
reads(_eager.eager, _first_step)
reads(_eager._Parked.send, _later_step)
reads(_eager._Parked.throw, _later_step)
