"""Which handlers a call gets: from what is passed in, the tool, the current run, and registered hooks."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NamedTuple

from toolrun.callbacks._scope import EMPTY, Scope, scope_for_handlers
from toolrun.errors import InvalidHandler


class _Hook(NamedTuple):
    variable: ContextVar[Any]
    inheritable: bool
    handler_class: type | None
    environment_variable: str | None

    def handlers(self, present: tuple[Any, ...]) -> tuple[Any, ...]:
        """The handlers to add beside those that are present; the variable may hold one, or a tuple of them."""
        found = self.variable.get(None)
        if found is not None:
            return found if isinstance(found, tuple) else (found,)
        if not self.environment_variable or self.handler_class is None:
            return ()
        wanted = os.environ.get(self.environment_variable, "") not in ("", "0", "false", "False")
        if not wanted or any(isinstance(one, self.handler_class) for one in present):
            return ()
        return (self.handler_class(),)


_hooks: tuple[_Hook, ...] = ()


def register_configure_hook(
    context_var: ContextVar[Any],
    inheritable: bool,
    handle_class: type | None = None,
    env_var: str | None = None,
) -> Callable[[], None]:
    """Have the handler in `context_var` (or a tuple of handlers) join every run; returns a function that undoes it.

    With `env_var`, a handler of `handle_class` is made when that variable is set and none is there. Registering the
    same hook again changes nothing.
    """
    global _hooks
    if env_var is not None and handle_class is None:
        raise ValueError("env_var needs handle_class, the class of handler to make when the variable is set.")
    hook = _Hook(context_var, inheritable, handle_class, env_var)
    if hook not in _hooks:
        _hooks = (*_hooks, hook)

    def unregister() -> None:
        global _hooks
        _hooks = tuple(one for one in _hooks if one != hook)

    return unregister


def with_hooks(scope: Scope) -> Scope:
    """The scope with what the registered hooks add now."""
    if not _hooks:
        return scope
    for hook in _hooks:
        handlers = hook.handlers(scope.handlers)
        if handlers:
            scope = scope.with_handlers(handlers, hook.inheritable)
    return scope


def scope_of(callbacks: Any) -> Scope:
    """The scope of a `callbacks` argument: handlers in a list or tuple are inheritable, a manager has its own split."""
    if callbacks is None:
        return EMPTY
    if isinstance(callbacks, (list, tuple)):
        return scope_for_handlers(callbacks) if callbacks else EMPTY
    scope = getattr(callbacks, "_scope", None)
    if isinstance(scope, Scope):
        return scope
    if is_manager(callbacks):
        return _scope_of_foreign(callbacks)
    raise InvalidHandler(callbacks, "put it into a list" if hasattr(callbacks, "on_tool_start") else "")


def is_manager(callbacks: Any) -> bool:
    """Whether it is a callback manager: ours, or one of another library with the same attributes (LangChain's)."""
    return callbacks is not None and hasattr(callbacks, "inheritable_handlers")


def _scope_of_foreign(manager: Any) -> Scope:
    return Scope(
        tuple(manager.handlers),
        tuple(manager.inheritable_handlers),
        manager.parent_run_id,
        tuple(manager.tags),
        tuple(manager.inheritable_tags),
        {**manager.metadata},
        {**manager.inheritable_metadata},
    )


def combine(inheritable: Any, local: Any, verbose: bool = False) -> Scope:
    """What is passed down, then what is meant for this run alone, then hooks."""
    scope = scope_of(inheritable)
    if local:
        scope = scope.with_handlers(scope_of(local).handlers, inherit=False)
    if verbose:
        scope = _with_stdout(scope)
    return with_hooks(scope)


def _with_stdout(scope: Scope) -> Scope:
    from toolrun.callbacks.stdout import StdOutCallbackHandler

    if any(isinstance(one, StdOutCallbackHandler) for one in scope.handlers):
        return scope
    return scope.with_handlers((StdOutCallbackHandler(),), inherit=False)
