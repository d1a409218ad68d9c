"""Which run the code is in: LangChain says so by the callbacks in a context variable of its own, we by `current_run`.

The body of a run of ours finds our child manager in LangChain's variable, so that what it calls of LangChain becomes a
child. When LangChain then opens a run inside, it puts a manager of its own there: that run is now the nearest one, and
tools of ours that are called in it become its children.
"""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import CallbackManager
from langchain_core.runnables.config import RunnableConfig, _set_config_context, var_child_runnable_config

from toolrun.callbacks import BaseRunManager
from toolrun.callbacks._scope import Scope
from toolrun.interop.langchain._scopes import manager_from, scope_from

_OF_ONE_RUN = ("run_name", "run_id")


class ChildManager(CallbackManager):
    """The manager for what a run of ours calls of LangChain: where it is found, no run of LangChain's is nearer."""


class LangChain:
    """LangChain's account of where the code is."""

    def enter(self, run: BaseRunManager[Any]) -> None:
        """Have what is called of LangChain in this context become a child of `run`."""
        config = child_of(var_child_runnable_config.get(), run)
        _set_config_context(config)

    def scope_around(self) -> Scope | None:
        """The scope of LangChain's run around this code, unless one of ours is nearer."""
        config = var_child_runnable_config.get()
        manager = config.get("callbacks") if config else None
        if manager is None or isinstance(manager, list | ChildManager):
            return None
        return scope_from(manager)


LANGCHAIN = LangChain()


def child_of(config: RunnableConfig | None, run: BaseRunManager[Any]) -> RunnableConfig:
    """The config for what is called inside the run: what is about one run alone stays behind."""
    child: Any = {key: value for key, value in (config or {}).items() if key not in _OF_ONE_RUN}
    child["callbacks"] = manager_from(run.child_scope(), ChildManager)
    config_of_child: RunnableConfig = child
    return config_of_child
