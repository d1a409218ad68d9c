"""Who listens to a call, and which tags and metadata it has.

The callbacks of the call's config, if they are a manager, decide alone. Otherwise the call is a child of the run that
the code is in and has its handlers, then those of the config. The tool's own come after, and are not inherited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolrun.callbacks._configure import combine, is_manager, scope_of, with_hooks
from toolrun.callbacks._scope import Scope
from toolrun.callbacks.context import scope_around
from toolrun.callbacks.manager import BaseCallbackManager
from toolrun.tools._plan import Plan

if TYPE_CHECKING:
    from toolrun.tools.base import BaseTool
    from toolrun.tools.config import RunConfig


def scope_for(tool: BaseTool, plan: Plan, config: RunConfig | None, verbose: bool) -> Scope:
    """The scope of a call; `verbose` tells every event on the terminal."""
    callbacks = config.get("callbacks") if config else None
    scope, around = scope_of(callbacks), scope_around()
    if around is not None and not is_manager(callbacks):
        scope = around.with_handlers(scope.handlers, inherit=True)
    if config:
        if tags := config.get("tags"):
            scope = scope.with_tags(tags, inherit=True)
        if metadata := config.get("metadata"):
            scope = scope.with_metadata(metadata, inherit=True)
    if plan.may_listen or verbose:
        return _with_own(scope, tool, verbose)
    return with_hooks(scope)


def _with_own(scope: Scope, tool: BaseTool, verbose: bool) -> Scope:
    """What the tool itself adds, for its own runs alone."""
    scope = scope.with_tags(tool.tags or (), inherit=False).with_metadata(tool.metadata or {}, inherit=False)
    return combine(BaseCallbackManager.of(scope), tool.callbacks, verbose or tool.verbose)
