"""Events of the user's own kind, dispatched from wherever the code of a run is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolrun._offload import HANDLER_POOL
from toolrun.callbacks import _configure
from toolrun.callbacks.context import current_run
from toolrun.callbacks.manager import AsyncCallbackManager, CallbackManager
from toolrun.callbacks.run_manager import AsyncRunManager, RunManager
from toolrun.errors import NoCurrentRun


def dispatch_custom_event(name: str, data: Any, *, config: Mapping[str, Any] | None = None) -> None:
    """Send `on_custom_event(name, data)` to the handlers of the current run, or of the run that `config` comes from.

    Raises `NoCurrentRun` (a RuntimeError) where there is no run.
    """
    run = None if _names_callbacks(config) else current_run()
    if isinstance(run, AsyncRunManager):
        run = run.get_sync()  # type: ignore[attr-defined]
    if isinstance(run, RunManager):
        run.on_custom_event(name, data)
    else:
        _manager(CallbackManager, name, config).on_custom_event(name, data)


async def adispatch_custom_event(name: str, data: Any, *, config: Mapping[str, Any] | None = None) -> None:
    """The async twin of `dispatch_custom_event`."""
    run = None if _names_callbacks(config) else current_run()
    if isinstance(run, AsyncRunManager):
        await run.on_custom_event(name, data)
    elif isinstance(run, RunManager):
        await HANDLER_POOL.run_in_thread(run.on_custom_event, name, data)
    else:
        await _manager(AsyncCallbackManager, name, config).on_custom_event(name, data)


def _names_callbacks(config: Mapping[str, Any] | None) -> bool:
    return bool(config and config.get("callbacks"))


def _manager(kind: Any, event: str, config: Mapping[str, Any] | None) -> Any:
    scope = _configure.with_hooks(_configure.scope_of((config or {}).get("callbacks")))
    if scope.parent_run_id is None:
        raise NoCurrentRun(event)
    return kind.of(scope)
