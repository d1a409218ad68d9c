"""From LangChain's callback managers to our scopes, and back: both hold the same seven things."""

from __future__ import annotations

from typing import Any, TypeVar

from langchain_core.callbacks import BaseCallbackManager, CallbackManager

from toolrun.callbacks._configure import scope_of
from toolrun.callbacks._scope import Scope
from toolrun.interop.langchain._heard import for_langchain, for_toolrun

Manager = TypeVar("Manager", bound=BaseCallbackManager)


def scope_from(callbacks: Any) -> Scope:
    """The scope of a manager or a list of handlers of LangChain's."""
    scope = scope_of(callbacks)
    return scope._replace(
        handlers=tuple(map(for_toolrun, scope.handlers)),
        inheritable_handlers=tuple(map(for_toolrun, scope.inheritable_handlers)),
    )


def manager_from(scope: Scope, kind: type[Manager] = CallbackManager) -> Manager:  # type: ignore[assignment]
    """A manager of LangChain's that opens runs in this scope."""
    return kind(
        handlers=list(map(for_langchain, scope.handlers)),
        inheritable_handlers=list(map(for_langchain, scope.inheritable_handlers)),
        parent_run_id=scope.parent_run_id,
        tags=list(scope.tags),
        inheritable_tags=list(scope.inheritable_tags),
        metadata=dict(scope.metadata),
        inheritable_metadata=dict(scope.inheritable_metadata),
    )
