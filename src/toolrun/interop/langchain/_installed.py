"""install: LangChain's own classes, from now on, on our callbacks and our road; uninstall puts everything back.

Nothing is subclassed or imported anew: functions of LangChain's classes and modules are exchanged, in every module that
holds them. So tools, handlers and agents that exist already are installed as well as those that come later.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from langchain_core.callbacks import manager as their_manager
from langchain_core.runnables.config import ContextThreadPoolExecutor, var_child_runnable_config
from langchain_core.tools import BaseTool as TheirTool
from langchain_core.tools import StructuredTool, Tool

from toolrun.callbacks._configure import with_hooks
from toolrun.errors import ToolrunError
from toolrun.execution.policy import NO_POLICY, Policy, check
from toolrun.interop.langchain import _events, _road
from toolrun.interop.langchain._heard import for_langchain
from toolrun.interop.langchain._known import ours_of
from toolrun.interop.langchain._outgoing import keywords_of
from toolrun.interop.langchain._scopes import scope_from
from toolrun.tools.exceptions import InvalidTool


class AlreadyRunning(ToolrunError, RuntimeError):
    """install or uninstall was called inside a run, which would begin in one house and end in another."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(
            f"{what}() comes too late: this code is inside a run, whose start has been told already. "
            f"Call it before the first invoke, at the top of the program."
        )


def install(*, tools: Mapping[str, Mapping[str, Any]] | None = None, **policy: Any) -> None:
    """Have every LangChain tool and callback of this process run on toolrun, with no change in the code that uses them.

    `policy` is for all tools: `timeout`, `retry`, `engine`, `max_concurrency` and the others of `@tool`; `tools` for
    single ones, by name: `install(timeout=30, tools={"search": {"timeout": 5, "engine": "processes"}})`. Installing
    again changes the policies. Raises `AlreadyRunning` inside a run.
    """
    _refuse_inside_a_run("install")
    everywhere = _policy("install", policy)
    by_name = {name: _policy(name, own).over(everywhere) for name, own in (tools or {}).items()}
    _policies.set(everywhere, by_name)
    if not _undo:
        _exchange_all()


def uninstall() -> None:
    """Undo `install`. Without one, nothing happens."""
    _refuse_inside_a_run("uninstall")
    while _undo:
        _undo.pop()()
    _events.forget_all()


def is_installed() -> bool:
    """Whether LangChain runs on toolrun now."""
    return bool(_undo)


_undo: list[Callable[[], None]] = []


def _refuse_inside_a_run(what: str) -> None:
    if var_child_runnable_config.get() is not None:
        raise AlreadyRunning(what)


def _policy(name: str, options: Mapping[str, Any]) -> Policy:
    try:
        policy = Policy(**options)
    except TypeError as error:
        raise InvalidTool(name, f"{error}: a policy has {', '.join(Policy.__dataclass_fields__)}.") from None
    check(policy, name)
    return policy


class _Policies:
    """What was installed for the tools: for each by name, or for all."""

    def __init__(self) -> None:
        self.set(NO_POLICY, {})

    def set(self, everywhere: Policy, by_name: Mapping[str, Policy]) -> None:
        self._everywhere, self._by_name = everywhere, dict(by_name)

    def of(self, tool: str) -> Policy | None:
        policy = self._by_name.get(tool, self._everywhere)
        return None if policy == NO_POLICY else policy


_policies = _Policies()


def _exchange_all() -> None:
    _exchange(TheirTool, "run", _run)
    _exchange(TheirTool, "arun", _arun)
    for kind in (StructuredTool, Tool):  # theirs sends a sync tool to asyncio's default pool
        _exchange(kind, "ainvoke", TheirTool.ainvoke)
    _exchange(ContextThreadPoolExecutor, "__init__", _init_pool)
    _exchange(their_manager, "_configure", partial(_configure, their_manager._configure))
    _exchange_everywhere(their_manager.handle_event, _events.handle_event)
    _exchange_everywhere(their_manager.ahandle_event, _events.ahandle_event)
    _exchange_everywhere(their_manager._ahandle_event_for_handler, _events.ahandle_event_for_handler)


def _exchange(holder: Any, name: str, new: Any) -> None:
    old = vars(holder).get(name, _ABSENT)
    setattr(holder, name, new)
    _undo.append(lambda: delattr(holder, name) if old is _ABSENT else setattr(holder, name, old))


_ABSENT: Any = object()


def _exchange_everywhere(old: Any, new: Any) -> None:
    """Exchange a function in LangChain's modules, and wherever it has been imported by name."""
    for module in list(sys.modules.values()):
        for name in [name for name, value in list(getattr(module, "__dict__", {}).items()) if value is old]:
            _exchange(module, name, new)


def _run(self: TheirTool, tool_input: Any, *args: Any, **keywords: Any) -> Any:
    return _road.run(self, ours_of(self), tool_input, keywords_of(args, keywords), _policies.of(self.name))


async def _arun(self: TheirTool, tool_input: Any, *args: Any, **keywords: Any) -> Any:
    return await _road.arun(self, ours_of(self), tool_input, keywords_of(args, keywords), _policies.of(self.name))


def _configure(theirs: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Have handlers that join every run of ours, a recorder for example, join every run of LangChain's too."""
    manager = theirs(*args, **kwargs)
    known = scope_from(manager)
    joined = with_hooks(known)
    for handler in joined.handlers[len(known.handlers) :]:
        manager.add_handler(for_langchain(handler), inherit=handler in joined.inheritable_handlers)
    return manager


MOST_THREADS = 256
"""As in our own pool for tools. LangChain's default, a few more than there are CPUs, is for work that computes."""


def _init_pool(self: ContextThreadPoolExecutor, max_workers: int | None = None, *args: Any, **kwargs: Any) -> None:
    """LangGraph calls the tools of a turn in such a pool when it is called synchronously."""
    ThreadPoolExecutor.__init__(self, max_workers or MOST_THREADS, *args, **kwargs)
