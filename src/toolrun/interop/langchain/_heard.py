"""A handler of ours in LangChain's hands.

LangChain would call its methods itself, and knows nothing of background lanes, of the one context that the events of a
run share, or of inline handlers that return a coroutine. So it is given this in the handler's place, which delivers
each event by our own rules.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler

from toolrun.callbacks._deliver_sync import SyncDelivery
from toolrun.callbacks._plan import declare_unheard
from toolrun.callbacks._scope import scope_for_handlers
from toolrun.callbacks.base import EVENTS

MOST_OPEN = 10_000
"""LangChain does not end every run that it starts. Of more open runs than these the oldest is given up."""

for _kind in (BaseCallbackHandler, AsyncCallbackHandler):
    declare_unheard(_kind)


class Heard(BaseCallbackHandler):
    """Tells one handler of ours what LangChain tells it."""

    def __init__(self, handler: Any) -> None:
        self.handler = handler
        self.raise_error = bool(getattr(handler, "raise_error", False))
        self.run_inline = bool(getattr(handler, "run_inline", False))
        self._scope = scope_for_handlers((handler,))
        self._open: OrderedDict[UUID, SyncDelivery] = OrderedDict()
        self._lock = threading.Lock()

    def tell(self, event: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Deliver one event, in the order and the context of its run."""
        self._delivery(event, kwargs.get("run_id")).deliver(event, args, kwargs)

    def _delivery(self, event: str, run_id: UUID | None) -> SyncDelivery:
        if run_id is None:
            return SyncDelivery(self._scope)
        with self._lock:
            if event.endswith(("_end", "_error")):
                return self._open.pop(run_id, None) or SyncDelivery(self._scope, run_id)
            if run_id not in self._open:
                self._open[run_id] = SyncDelivery(self._scope, run_id)
                if len(self._open) > MOST_OPEN:
                    self._open.popitem(last=False)
            return self._open[run_id]


def _teller(event: str) -> Callable[..., None]:
    def method(self: Heard, *args: Any, **kwargs: Any) -> None:
        self.tell(event, args, kwargs)

    method.__name__ = event
    return method


for _event in EVENTS:
    setattr(Heard, _event, _teller(_event))


_known: WeakValueDictionary[int, Heard] = WeakValueDictionary()


def for_langchain(handler: Any) -> Any:
    """The handler as LangChain is to call it: its own as they are, ours each in the same `Heard` every time."""
    if isinstance(handler, BaseCallbackHandler):
        return handler
    heard = _known.get(id(handler))
    if heard is None:
        heard = _known[id(handler)] = Heard(handler)
    return heard


def for_toolrun(handler: Any) -> Any:
    """The handler as toolrun is to call it: without the `Heard` around it."""
    return handler.handler if isinstance(handler, Heard) else handler
