"""Functions and bound methods as tools, whose results are written down where they come about.

A result may alias the tools' state, or depend on state that all tools share: so a sync body takes its JSON in its
own thread, before anything else runs. The tools of a method are shells around one schema and one plan, found once
for all instances of the method's class.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from functools import lru_cache, partial, update_wrapper
from types import MethodType
from typing import Any

from toolrun.runner._answers import answering, shown_of
from toolrun.runner._json import encode
from toolrun.tools import BaseTool, StructuredTool
from toolrun.tools._plan import plan_of
from toolrun.tools.exceptions import InvalidDocstring

Encoded = tuple[bytes, bool]


class Encoding:
    """The JSON of what a body returned, taken where it returned: in its thread, before any other code of the loop."""

    __slots__ = ("_taken", "call")

    def __init__(self) -> None:
        self._taken: tuple[Any, Encoded] | None = None
        self.call: Any = None
        """The `Call` whose body it is."""

    def take(self, value: Any) -> None:
        """Called by the body that returned the value."""
        self._taken = value, encode(value)

    def of(self, value: Any) -> Encoded:
        """The JSON of this very value; taken now if it did not come straight from a body that takes it."""
        if self._taken is None or self._taken[0] is not value:
            shown = shown_of(value)
            self._taken = value, encode(value) if shown is None else (encode(shown)[0], False)
        return self._taken[1]


encoding: ContextVar[Encoding | None] = ContextVar("toolrun_encoding", default=None)
"""Set by the runner for the call that the code is in."""


def as_tool(name: str, function: Callable[..., Any]) -> BaseTool:
    """A function or bound method as a tool, whose schema is found once for all instances of a method's class."""
    if not inspect.ismethod(function):
        return _made(name, function)
    shell = _shell(name, function.__func__)
    [(field, body)] = _body(function).items()
    bound = shell.model_copy(update={field: body})
    object.__setattr__(bound, "_plan", plan_of(shell).rebound(body))
    return bound


@lru_cache(maxsize=4096)
def _shell(name: str, method: Callable[..., Any]) -> StructuredTool:
    """The tool of a method that is bound to nobody, so that no session's state stays alive in the cache."""
    return _made(name, MethodType(method, _NOBODY))


_NOBODY = object()


def _made(name: str, function: Callable[..., Any]) -> StructuredTool:
    described = (function.__doc__ or "").strip()
    make = partial(StructuredTool.from_function, **_body(function), name=name)
    if not described:
        return make(description=f"Calls {name}.")
    try:
        return make(parse_docstring=True)
    except InvalidDocstring:  # it speaks of arguments that are not there: taken as it is, then
        return make()


def _body(function: Callable[..., Any]) -> dict[str, Any]:
    if asyncio.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return {"coroutine": function}
    return {"func": function if inspect.isgeneratorfunction(function) else EncodingBody(function)}


class EncodingBody:
    """A sync function that takes the JSON of what it returns. In a worker process it is the function alone."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        value = self._function(*args, **kwargs)
        if (place := encoding.get()) is not None:
            place.take(value)
        return value

    def __reduce__(self) -> Any:
        from toolrun.execution.processes._shipping import packed

        return _in_worker, (packed(self._function),)


def _in_worker(function: Any) -> Callable[..., Any]:
    from toolrun.execution.processes._shipping import Reference

    return answering(function.resolve() if isinstance(function, Reference) else function)
