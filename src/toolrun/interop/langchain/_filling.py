"""What LangChain fills in for a tool's function: the run manager, its callbacks, the config. Found out once a function.

LangChain looks at the signature and resolves all annotations at every call, which takes it longer than everything else.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from typing import Any

from langchain_core.runnables.config import ensure_config, var_child_runnable_config
from langchain_core.tools import BaseTool as TheirTool
from langchain_core.tools import StructuredTool, Tool
from langchain_core.tools.base import _get_runnable_config_param

from toolrun.tools.config import configurable_of

_PLAIN = (StructuredTool, Tool)


def function_of(tool: TheirTool, *, is_async: bool) -> tuple[Any, bool]:
    """What is called for the tool: the function that it was made of (True), else its method, as its class has it."""
    method, field = ("_arun", "coroutine") if is_async else ("_run", "func")
    declared = getattr(type(tool), method)
    if isinstance(tool, _PLAIN) and declared in (getattr(StructuredTool, method), getattr(Tool, method)):
        return getattr(tool, field), True
    return declared, False


class Filling:
    """The parameters of one function that LangChain fills in."""

    __slots__ = ("_source", "callbacks", "config", "run_manager")

    def __init__(self, function: Callable[..., Any]) -> None:
        self._source = _reference(function)
        parameters = inspect.signature(function).parameters
        self.run_manager = "run_manager" in parameters
        self.callbacks = "callbacks" in parameters
        self.config = _get_runnable_config_param(function)

    def is_of(self, function: Callable[..., Any]) -> bool:
        """Whether these are the parameters of this very function."""
        return self._source() is function

    def filled(self, arguments: dict[str, Any], run: Any, is_plain: bool) -> dict[str, Any]:
        """The arguments with those that LangChain fills in: plain functions get callbacks, methods the run manager."""
        filled = dict(arguments)
        if is_plain and self.callbacks:
            filled["callbacks"] = run.get_child()
        if not is_plain and self.run_manager:
            filled["run_manager"] = run
        if self.config:
            filled[self.config] = _config()
        return filled


def _config() -> Any:
    """The config for what the tool calls, as its run has left it in LangChain's variable."""
    config = ensure_config(var_child_runnable_config.get())
    return {**config, "configurable": {**config["configurable"], **(configurable_of(None) or {})}}


def _reference(function: Callable[..., Any]) -> Callable[[], Any]:
    """Does not keep the function: it may lead back to the tool."""
    try:
        return weakref.ref(function)
    except TypeError:
        return lambda: None  # will be looked at again each time
