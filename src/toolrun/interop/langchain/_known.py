"""Our tools around the bodies of those of LangChain that were called since `install`; they live as long as theirs."""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any

from langchain_core.tools import BaseTool as TheirTool

from toolrun.interop.langchain._incoming import Held, LangChainTool, answering


class Known:
    """A LangChain tool that is known, but not kept; on its way to a worker process it is."""

    def __init__(self, tool: TheirTool) -> None:
        self._weak = weakref.ref(tool, partial(_forget, id(tool)))

    def __call__(self) -> TheirTool:
        tool = self._weak()
        assert tool is not None, "its caller holds it"
        return tool

    def is_of(self, tool: TheirTool) -> bool:
        """Whether it is this very tool, and not one that has the place in memory that another had before."""
        return self._weak() is tool

    def __reduce__(self) -> Any:
        return Held, (self(),)


known: dict[int, tuple[Known, LangChainTool]] = {}


def _forget(key: int, _: Any) -> None:
    known.pop(key, None)


def ours_of(tool: TheirTool) -> LangChainTool:
    """Our tool around the body of a LangChain tool, made when it is first called; as that tool is set now."""
    held, ours = known.get(id(tool)) or _new(tool)
    if ours.name != tool.name or not held.is_of(tool):
        _, ours = _new(tool)
    for field, value in (*((one, getattr(tool, one)) for one in _LIVE), ("handle_tool_error", answering(tool))):
        if getattr(ours, field) is not value:
            setattr(ours, field, value)
    return ours


_LIVE = ("response_format", "handle_validation_error")
"""Fields that a program may set at any time."""


def _new(tool: TheirTool) -> tuple[Known, LangChainTool]:
    held = Known(tool)
    made = known[id(tool)] = held, LangChainTool(name=tool.name, description=tool.description, held=held)
    return made
