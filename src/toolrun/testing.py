"""For tests of your own tools and handlers: handlers that record what they are told, and a tool that does as told.

handler = RecordingHandler()
my_tool.invoke({"x": 1}, {"callbacks": [handler]})
assert handler.names == ["on_tool_start", "on_tool_end"]
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import Field, PrivateAttr

from toolrun.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from toolrun.callbacks.base import EVENTS
from toolrun.tools import BaseTool

__all__ = ["AsyncRecordingHandler", "FakeTool", "RecordedEvent", "RecordingHandler"]


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One event as a handler got it: `payload` is what came by position, `keywords` the rest without the ids."""

    name: str
    run_id: UUID
    parent_run_id: UUID | None
    payload: tuple[Any, ...]
    keywords: dict[str, Any]
    thread: str


class _Recording:
    """What both handlers share: the events, in the order in which they came."""

    def __init__(self) -> None:
        self.events: list[RecordedEvent] = []

    @property
    def names(self) -> list[str]:
        """The names of the events."""
        return [event.name for event in self.events]

    def of(self, run_id: UUID) -> list[RecordedEvent]:
        """The events of one run."""
        return [event for event in self.events if event.run_id == run_id]

    def named(self, name: str) -> list[RecordedEvent]:
        """The events of one kind."""
        return [event for event in self.events if event.name == name]

    def record(self, name: str, payload: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        """Keep one event."""
        rest = dict(keywords)
        run_id, parent_run_id = rest.pop("run_id"), rest.pop("parent_run_id", None)
        thread = threading.current_thread().name
        self.events.append(RecordedEvent(name, run_id, parent_run_id, payload, rest, thread))


def _recorder(name: str) -> Callable[..., None]:
    def method(self: _Recording, *payload: Any, **keywords: Any) -> None:
        self.record(name, payload, keywords)

    return method


def _async_recorder(name: str) -> Callable[..., Any]:
    async def method(self: _Recording, *payload: Any, **keywords: Any) -> None:
        self.record(name, payload, keywords)

    return method


class RecordingHandler(_Recording, BaseCallbackHandler):
    """Records every event; set `raise_error`, `run_inline` or `background` on it as on any handler."""


class AsyncRecordingHandler(_Recording, AsyncCallbackHandler):
    """The same with async methods."""


for _name in EVENTS:
    setattr(RecordingHandler, _name, _recorder(_name))
    setattr(AsyncRecordingHandler, _name, _async_recorder(_name))


_ANYTHING = {"type": "object", "properties": {}, "additionalProperties": True}


class FakeTool(BaseTool):
    """A tool that gives prepared outcomes, one a call: an exception is raised, anything else is returned.

    Takes any arguments and keeps them in `calls`. When the outcomes are used up, the last one stays.
    """

    name: str = "fake"
    description: str = "Does as told."
    args_schema: Any = _ANYTHING
    outcomes: list[Any] = Field(default_factory=lambda: [None])
    _calls: list[dict[str, Any]] = PrivateAttr(default_factory=list)

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The arguments of each call so far."""
        return self._calls

    def _run(self, **arguments: Any) -> Any:
        self._calls.append(arguments)
        outcome = self.outcomes[min(len(self._calls), len(self.outcomes)) - 1]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    async def _arun(self, **arguments: Any) -> Any:
        return self._run(**arguments)
