"""Events of runs on their way to the handlers. Each can tell itself to one handler, and has a name.

The start and the end of a tool run are written out: keywords that are spelt out cost two thirds of those that come in a
dict, for each handler. All others are an `Event`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from toolrun.callbacks._delivery import Delivery

Heard = Callable[..., Any]
"""A handler's method for an event, as a function of the handler and what it is told."""


class AnyEvent(Protocol):
    """What the drivers know of an event."""

    @property
    def name(self) -> str:
        """Of the handlers' method."""
        ...

    def tell(self, function: Heard, handler: Any) -> Any:
        """Call the function for the handler; gives what it returns."""
        ...


class Event:
    """An event with whatever arguments and keywords it has."""

    __slots__ = ("args", "keywords", "name")

    def __init__(self, name: str, args: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        self.name = name
        self.args = args
        self.keywords = keywords

    def tell(self, function: Heard, handler: Any) -> Any:
        """Call the function for the handler."""
        return function(handler, *self.args, **self.keywords)


class ToolStart:
    """The start of a tool's run."""

    __slots__ = (
        *("_color", "_input_str", "_inputs", "_metadata", "_parent_run_id", "_run_id", "_run_name"),
        *("_serialized", "_tags", "_tool_call_id"),
    )

    name = "on_tool_start"

    def __init__(
        self,
        run: Delivery,
        tool_call_id: str | None,
        serialized: dict[str, Any],
        input_str: str,
        inputs: dict[str, Any] | None,
        run_name: str,
        color: str = "green",
    ) -> None:
        scope = run.scope
        self._run_id = run.run_id
        self._parent_run_id = scope.parent_run_id
        self._tags = [*scope.tags]
        self._metadata = {**scope.metadata}
        self._tool_call_id = tool_call_id
        self._serialized = serialized
        self._input_str = input_str
        self._inputs = inputs
        self._run_name = run_name
        self._color = color

    def tell(self, function: Heard, handler: Any) -> Any:
        """Call the function for the handler."""
        return function(
            handler,
            self._serialized,
            self._input_str,
            run_id=self._run_id,
            parent_run_id=self._parent_run_id,
            tags=self._tags,
            metadata=self._metadata,
            tool_call_id=self._tool_call_id,
            inputs=self._inputs,
            name=self._run_name,
            color=self._color,
        )


class ToolEnd:
    """The end of a tool's run by its output."""

    __slots__ = ("_color", "_engine", "_output", "_parent_run_id", "_run_id", "_tags", "_tool", "_tool_call_id")

    name = "on_tool_end"

    def __init__(
        self, run: Delivery, tool_call_id: str | None, output: Any, tool: str, engine: str, color: str = "green"
    ) -> None:
        scope = run.scope
        self._run_id = run._run_id or run.run_id
        self._parent_run_id = scope.parent_run_id
        self._tags = [*scope.tags]
        self._tool_call_id = tool_call_id
        self._output = output
        self._tool = tool
        self._engine = engine
        self._color = color

    def tell(self, function: Heard, handler: Any) -> Any:
        """Call the function for the handler."""
        return function(
            handler,
            self._output,
            run_id=self._run_id,
            parent_run_id=self._parent_run_id,
            tags=self._tags,
            tool_call_id=self._tool_call_id,
            name=self._tool,
            engine=self._engine,
            color=self._color,
        )


class MoreOf:
    """An event with more keywords."""

    __slots__ = ("_event", "_more", "name")

    def __init__(self, event: AnyEvent, more: dict[str, Any]) -> None:
        self._event = event
        self._more = more
        self.name = event.name

    def tell(self, function: Heard, handler: Any) -> Any:
        """Call the function for the handler."""
        return self._event.tell(partial(function, **self._more), handler)
