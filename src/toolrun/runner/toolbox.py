"""A set of tools by name, made tools only when they are called.

What may stand for tools: a tool, a toolkit, a list or mapping of tools or functions, an instance (its public
methods). A session's sixty bound methods cost nothing until one is called.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from toolrun.runner._errors import NotATool, UnknownTool, shortened
from toolrun.runner._functions import as_tool
from toolrun.runner._json import safe_repr
from toolrun.tools import BaseTool, BaseToolkit


class Toolbox(Mapping[str, BaseTool]):
    """Tools by name. A plain function or bound method becomes a tool when it is first asked for."""

    def __init__(self, members: Mapping[str, BaseTool | Callable[..., Any]]) -> None:
        self._members = dict(members)

    def __getitem__(self, name: str) -> BaseTool:
        member = self._members.get(name)
        if member is None:
            raise UnknownTool(name, self._members)
        if not isinstance(member, BaseTool):
            member = self._members[name] = self._made(name, member)
        elif member.name != name:
            member = self._members[name] = member.model_copy(update={"name": name})
        return member

    def _made(self, name: str, member: Any) -> BaseTool:
        return as_tool(name, member)

    @property
    def members(self) -> Mapping[str, BaseTool | Callable[..., Any]]:
        """What there is, tools and what will be tools, as it is now."""
        return self._members

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


def toolbox(tools: Any) -> Toolbox:
    """A toolbox of whatever stands for tools; `NotATool` if it does not."""
    if isinstance(tools, Toolbox):
        return tools
    if isinstance(tools, Mapping):
        return Toolbox({_text(name): _member(value) for name, value in tools.items()})
    if isinstance(tools, BaseTool):
        return Toolbox({tools.name: tools})
    if isinstance(tools, BaseToolkit):
        return _named(tools.get_tools())
    if isinstance(tools, Iterable) and not isinstance(tools, str | bytes):
        return _named(tools)
    if is_function(tools):
        return _named([tools])
    methods = {} if tools is None or isinstance(tools, type) else public_methods(tools)
    if not methods:
        raise NotATool(f"{_shown(tools)} is no tool, nor a list, a mapping or an instance with public methods")
    return Toolbox(methods)


def public_methods(instance: Any) -> dict[str, Callable[..., Any]]:
    """The methods of an instance whose names do not begin with `_`, by name; properties are not touched.

    What every object of Python or every model of pydantic has is left out.
    """
    kinds = [kind for kind in type(instance).__mro__ if kind.__module__ not in ("builtins", "pydantic.main")]
    names = sorted({name for kind in kinds for name in vars(kind) if not name.startswith("_")})
    static = {name: inspect.getattr_static(type(instance), name) for name in names}
    return {
        name: getattr(instance, name)
        for name, value in static.items()
        if inspect.isfunction(value) or isinstance(value, staticmethod | classmethod)
    }


def is_function(value: Any) -> bool:
    """Whether the value is a function, in the sense that it can be called and is neither tool nor class."""
    return inspect.isroutine(value) or (
        callable(value) and not isinstance(value, type | BaseTool) and not public_methods(value)
    )


def is_factory(tools: Any) -> bool:
    """Whether this is called for a session's tools: a class, a function, or any callable that stands for no tools."""
    return isinstance(tools, type) or is_function(tools)


def _named(tools: Iterable[Any]) -> Toolbox:
    members: dict[str, Any] = {}
    for each in map(_member, tools):
        name = each.name if isinstance(each, BaseTool) else getattr(each, "__name__", None)
        if not name:
            raise NotATool(f"{_shown(each)} has no name: give it one in a mapping")
        if name in members:
            raise NotATool(f"two tools are named {name!r}")
        members[name] = each
    return Toolbox(members)


def _member(value: Any) -> Any:
    if isinstance(value, BaseTool) or (callable(value) and not isinstance(value, type)):
        return value
    raise NotATool(f"{_shown(value)} is neither a tool nor a function")


def _text(name: Any) -> str:
    if isinstance(name, str):
        return name
    raise NotATool(f"the name of a tool is a string, not {_shown(name)}")


def _shown(value: Any) -> str:
    return shortened(safe_repr(value), 60)
