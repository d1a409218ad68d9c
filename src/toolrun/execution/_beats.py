"""The beats of a loop: whether it goes on, and what the watchdog sees when it does not."""

from __future__ import annotations

import asyncio
import sys
import threading
from asyncio import AbstractEventLoop
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from time import monotonic
from traceback import FrameSummary, StackSummary
from typing import TYPE_CHECKING
from uuid import UUID

from toolrun.callbacks._announce import Announcement, announce
from toolrun.execution._culprit import Culprit, culprit
from toolrun.execution.deadlines import LATE, wheel

if TYPE_CHECKING:
    from toolrun.execution.watchdog import Watchdog


@dataclass(slots=True)
class LoopBlocked:
    """One time that a loop was held. `seconds` grows until the loop goes on."""

    name: str
    """The tool, the handler, or outside any run the coroutine of the task."""
    event: str | None
    """The event that the handler had; None for a tool."""
    file: str
    line: int
    function: str
    task: str | None
    run_id: UUID | None
    seconds: float
    frames: list[FrameSummary]
    """From the body or handler down to the line that holds the loop."""

    @property
    def stack(self) -> str:
        """The frames as text, as in a traceback."""
        return "".join(StackSummary.from_list(self.frames).format())

    def __str__(self) -> str:
        who = f"{self.name}.{self.event}" if self.event else self.name
        where = f"{self.file}:{self.line} in {self.function}"
        task = f", task {self.task}" if self.task else ""
        run = f", run {self.run_id}" if self.run_id else ""
        return f"{who} has blocked the event loop for {self.seconds:.2f} s: {where}{task}{run}"


class Watch:
    """The beats of one loop. Everything but `blocked` is touched only in that loop's thread."""

    __slots__ = ("_announced", "_watchdog", "_wheel", "armed", "blocked", "due", "last_seen", "loop", "runs", "thread")

    def __init__(self, loop: AbstractEventLoop, watchdog: Watchdog) -> None:
        self.loop, self._watchdog = loop, watchdog
        self.thread = threading.get_ident()
        self._wheel = wheel()
        self.runs = 0
        """Runs in flight; whoever runs one adds it, and takes it away in a `finally`."""
        self.armed = False
        self.due = 0.0
        self.last_seen: object = None
        self.blocked: LoopBlocked | None = None
        self._announced: Announcement | None = None

    def arm(self) -> None:
        """Begin to beat, unless the watchdog is off."""
        if self._watchdog.threshold is not None:
            self.armed = True
            self._schedule(self._watchdog.threshold / 2)
            self._watchdog.take_on(self)

    def _schedule(self, period: float) -> None:
        self.due = monotonic() + period
        self.loop.call_later(period, self._beat, context=Context())  # not the caller's: it would keep its run alive

    def _beat(self) -> None:
        if self.blocked is not None:
            self._goes_on()
        threshold = self._watchdog.threshold
        if self.runs and threshold is not None:
            self._schedule(threshold / 2)
            self._watchdog.take_on(self)
        else:
            self.armed = False

    def _goes_on(self) -> None:
        self._seconds()
        announced, self.blocked, self._announced = self._announced, None, None
        if announced is not None:
            announced.deliver()

    def _seconds(self) -> float:
        """How long the loop has been held by now, as far as the beats can tell."""
        seconds = monotonic() - self.due
        if self.blocked is not None:
            self.blocked.seconds = max(self.blocked.seconds, seconds)
            return self.blocked.seconds
        return seconds

    # ── in the watchdog's thread ───────────────────────────────────────────────────────────────────────

    def hurry(self) -> None:
        """Help deadlines along while the loop is late."""
        if monotonic() - self.due > LATE:
            self._wheel.hurry()

    def look(self, threshold: float, stalled: bool) -> LoopBlocked | None:
        """See whether the loop is held. `stalled`: the watchdog itself could not look for so long."""
        late = monotonic() - self.due
        if not self.runs or late < threshold / 4 or self.blocked is not None or not self.loop.is_running():
            self.last_seen = None
            return None
        found = self._culprit()
        seen = found and (found.driver, found.called)
        is_same, self.last_seen = seen == self.last_seen, seen
        if found is None or late < threshold or not (is_same or stalled):
            return None
        return self._report(found, late)

    def _culprit(self) -> Culprit | None:
        leaf = sys._current_frames().get(self.thread)
        return culprit(leaf, asyncio.current_task(self.loop)) if leaf is not None else None

    def _report(self, found: Culprit, late: float) -> LoopBlocked:
        task, called, line_of = asyncio.current_task(self.loop), found.called, found.line_of
        self.blocked = blocked = LoopBlocked(
            name=called.name,
            event=called.event,
            file=line_of.f_code.co_filename,
            line=line_of.f_lineno,
            function=line_of.f_code.co_qualname,
            task=task.get_name() if task is not None else None,
            run_id=called.delivery.run_id if called.delivery is not None else None,
            seconds=late,
            frames=found.stack(),
        )
        self.last_seen = None
        if called.delivery is not None:
            self._announced = announce(called.delivery, "on_loop_blocked", partial(self._told, blocked), self.thread)
        return blocked

    def _told(self, blocked: LoopBlocked) -> tuple[float, str]:
        """What the run is told, in the loop's thread."""
        return self._seconds() if self.blocked is blocked else blocked.seconds, blocked.stack
