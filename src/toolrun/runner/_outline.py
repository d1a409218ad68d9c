"""A tool without its body: what the parent needs to know of one that lives in a worker process."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from toolrun._signature import Signature
from toolrun.runner._functions import as_tool
from toolrun.tools import BaseTool
from toolrun.tools._function_tool import FunctionTool


class Outline:
    """Looks like a function, to those who read signatures and docstrings, and cannot be called."""

    def __init__(self, function: Callable[..., Any]) -> None:
        signature = Signature(function)
        shown = [each.replace(annotation=signature.annotation(name)) for name, each in signature.parameters.items()]
        if signature.known:
            self.__signature__ = inspect.Signature(shown)
        self.__name__ = getattr(function, "__name__", "function")
        self.__doc__ = inspect.getdoc(function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The body is elsewhere."""
        raise NotImplementedError(f"{self.__name__} lives in a worker process")


_FUNCTION, _TOOL = b"f", b"t"


def outlined(member: BaseTool | Callable[..., Any]) -> bytes:
    """A member of a toolbox as bytes that another process can make the tool of; raises what pickling it raises."""
    if isinstance(member, BaseTool):
        return _TOOL + _dumped(_without_body(member))
    if inspect.ismethod(member):
        return _outlined_once(member.__func__, _Held(member))
    return _FUNCTION + _dumped(Outline(member))  # kept for nobody: it may be a closure over the state of one session


class _Held:
    """Hands a method to a cache that is not to keep its instance alive, nor to tell one instance from another."""

    def __init__(self, member: Any) -> None:
        self.member: Any = member

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=4096)
def _outlined_once(function: Any, held: _Held) -> bytes:
    member, held.member = held.member, None
    return _FUNCTION + _dumped(Outline(member))


def _dumped(value: Any) -> bytes:
    from toolrun.execution.processes._pickling import dump_value

    return dump_value(value)


def _without_body(tool: BaseTool) -> BaseTool:
    """The tool with outlines for its functions, so that neither code nor state has to travel."""
    if not isinstance(tool, FunctionTool):
        return tool
    bodies = {field: function and Outline(function) for field, function in zip(_BODIES, tool._sources(), strict=True)}
    return tool.model_copy(update=bodies)


_BODIES = ("func", "coroutine")


def tool_of(name: str, outline: bytes) -> BaseTool:
    """The tool that an outline is of, but for its body. It runs in worker processes, whatever it says itself."""
    kind, data = outline[:1], outline[1:]
    return _of_function(name, data) if kind == _FUNCTION else _in_workers(name, _loaded(data))


@lru_cache(maxsize=4096)
def _of_function(name: str, data: bytes) -> BaseTool:
    """Found once for all sessions; a tool that a factory decorates anew for each session is new each time."""
    return _in_workers(name, as_tool(name, _loaded(data)))


def _in_workers(name: str, tool: BaseTool) -> BaseTool:
    return tool.model_copy(update={"name": name, "engine": "processes"})


def _loaded(data: bytes) -> Any:
    from toolrun.execution.processes._pickling import load_value

    return load_value(data)
