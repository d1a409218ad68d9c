"""Which run the code is in: LangChain says so by the callbacks in a context variable of its own, we by `current_run`.

The body of a run of ours finds a manager for its children in LangChain's variable, as the body of LangChain's own runs
does. So that variable always tells of the nearest run, whoever's it is: what is called there becomes its child.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from langchain_core.runnables.config import RunnableConfig, _set_config_context, var_child_runnable_config

from toolrun.callbacks import BaseRunManager
from toolrun.callbacks._scope import Scope
from toolrun.interop.langchain._scopes import manager_from, scope_from

_OF_ONE_RUN = ("run_name", "run_id")


class LangChain:
    """LangChain's account of where the code is."""

    def enter(self, run: BaseRunManager[Any]) -> Callable[[], object]:
        """Have what is called of LangChain in this context become a child of `run`."""
        before = var_child_runnable_config.get()
        _, tracing = _set_config_context(child_of(before, run))
        return partial(_leave, before, tracing)

    def scope_around(self) -> Scope | None:
        """The scope for children of the nearest run."""
        config = var_child_runnable_config.get()
        manager = config.get("callbacks") if config else None
        return None if manager is None or isinstance(manager, list) else scope_from(manager)


LANGCHAIN = LangChain()


def _leave(config: RunnableConfig | None, tracing: Any) -> None:
    """Put back the config, and LangSmith's account of where the code is if there was one."""
    var_child_runnable_config.set(config)
    if tracing is not None:
        from langsmith.run_helpers import _set_tracing_context  # type: ignore[import-not-found,unused-ignore]

        _set_tracing_context(tracing)


def child_of(config: RunnableConfig | None, run: BaseRunManager[Any]) -> RunnableConfig:
    """The config for what is called inside the run: what is about one run alone stays behind."""
    child: Any = {key: value for key, value in (config or {}).items() if key not in _OF_ONE_RUN}
    child["callbacks"] = manager_from(run.child_scope())
    config_of_child: RunnableConfig = child
    return config_of_child
