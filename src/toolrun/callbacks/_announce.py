"""An event that another thread has for a run whose own thread is held: it becomes the run's next event.

Nobody can be called while the thread is held, and once it goes on, the run's next event may come in the same breath.
So the run's plan is exchanged for a stand-in. Whoever looks up the next event finds it, and it delivers the announced
event first. A run for which nothing is announced pays nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from toolrun.callbacks._deliver_async import AsyncDelivery
from toolrun.callbacks._deliver_sync import SyncDelivery
from toolrun.callbacks._plan import Plan, Table
from toolrun.run import RUNNING

Delivery = SyncDelivery | AsyncDelivery

Arguments = Callable[[], tuple[Any, ...]]
"""Gives the arguments of the event when it is delivered; until then they may grow."""


class Announcement(Plan):
    """Stands in for the plan of a run until the event is delivered, in the thread with the id `thread`."""

    __slots__ = ("_arguments", "_delivery", "_event", "_plan", "_thread")

    def __init__(self, delivery: Delivery, event: str, arguments: Arguments, thread: int) -> None:
        self._delivery, self._event, self._arguments, self._thread = delivery, event, arguments, thread
        self._plan = delivery.plan

    def __missing__(self, event: str) -> Table | None:
        if threading.get_ident() == self._thread:
            self._deliver()
        return self._plan[event]

    def deliver(self) -> None:
        """Deliver the event now, in the run's own thread, unless it has been or the run is over."""
        if self._delivery.plan is self and self._delivery.status is not RUNNING:
            self._delivery.plan = self._plan
        self._deliver()

    def _deliver(self) -> None:
        if self._delivery.plan is self:
            self._delivery.plan = self._plan
            self._delivery.announce(self._event, self._arguments())


def announce(delivery: Delivery, event: str, arguments: Arguments, thread: int) -> Announcement | None:
    """Make this the run's next event; from any thread. None if the run is over or nobody hears the event."""
    plan = delivery.plan
    over = delivery.status is not RUNNING
    if over or not delivery.handlers or isinstance(plan, Announcement) or plan[event] is None:
        return None
    if isinstance(delivery, AsyncDelivery) and delivery.loop.is_closed():
        return None
    delivery.plan = announcement = Announcement(delivery, event, arguments, thread)
    return announcement
