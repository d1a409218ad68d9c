"""A call that came in LangChain's form, `BaseTool.run(...)` or `arun(...)`, made on our road.

LangChain decides who listens: its `configure` knows its handlers, its hooks, and LangSmith. From there on everything is
ours: the run and its events, binding, policy, engine. The answer to a tool call is a message of LangChain's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from langchain_core.callbacks import AsyncCallbackManager as TheirAsyncManager
from langchain_core.callbacks import CallbackManager as TheirManager
from langchain_core.runnables.config import var_child_runnable_config
from langchain_core.tools import BaseTool as TheirTool
from langchain_core.tools.base import _format_output

from toolrun.callbacks import CallbackManager
from toolrun.execution.policy import Policy
from toolrun.interop.langchain._scopes import scope_from
from toolrun.tools import BaseTool
from toolrun.tools._call import Call, arun_call, run_call
from toolrun.tools.config import RunConfig

Given = dict[str, Any]
"""The keywords of `BaseTool.run`."""


def run(theirs: TheirTool, ours: BaseTool, given: Any, keywords: Given, policy: Policy | None = None) -> Any:
    """Run `ours` for a caller that called `theirs`."""
    config = keywords.get("config")
    with _config_around(config):
        return run_call(_call(TheirManager, theirs, ours, given, keywords, policy))


async def arun(theirs: TheirTool, ours: BaseTool, given: Any, keywords: Given, policy: Policy | None = None) -> Any:
    """The async twin of `run`."""
    with _config_around(keywords.get("config")):
        return await arun_call(_call(TheirAsyncManager, theirs, ours, given, keywords, policy))


@contextmanager
def _config_around(config: Any) -> Iterator[None]:
    """Have the body find what the caller's config says, such as LangGraph's runtime, though not its callbacks."""
    if config is None:
        yield
        return
    token = var_child_runnable_config.set(config)
    try:
        yield
    finally:
        var_child_runnable_config.reset(token)


def _call(kind: Any, theirs: TheirTool, ours: BaseTool, given: Any, keywords: Given, policy: Policy | None) -> Call:
    rest = dict(keywords)
    config = _our_config(kind, theirs, rest)
    if configurable := (rest.pop("config", None) or {}).get("configurable"):
        config["configurable"] = configurable
    tool_call_id = rest.pop("tool_call_id", None)
    rest["verbose"] = False  # LangChain's `configure` has seen to it
    return Call(ours, given, config, tool_call_id=tool_call_id, extras=rest, defaults=policy, answers=_format_output)


def _our_config(kind: Any, theirs: TheirTool, keywords: Given) -> RunConfig:
    take: Callable[..., Any] = keywords.pop
    manager = kind.configure(
        take("callbacks", None),
        theirs.callbacks,
        bool(theirs.verbose or keywords.get("verbose")),
        take("tags", None),
        theirs.tags,
        take("metadata", None),
        theirs.metadata,
    )
    config: RunConfig = {"callbacks": CallbackManager.of(scope_from(manager))}
    if run_name := take("run_name", None):
        config["run_name"] = run_name
    if run_id := take("run_id", None):
        config["run_id"] = run_id
    return config
