"""The run that the code is in, carried by a context variable."""

from __future__ import annotations

from contextvars import Context, ContextVar, copy_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolrun.callbacks.run_manager import BaseRunManager

_current: ContextVar[BaseRunManager[Any] | None] = ContextVar("toolrun_current_run", default=None)

current_run = _current.get
"""The run manager of the run that the calling code is in, or None outside any run.

In a sync tool it is the sync one, in an async tool the async one, whatever manager opened the run.
"""


def run_context(run: BaseRunManager[Any]) -> Context:
    """A copy of the current context in which `run` is the current run: the body of the run belongs in it."""
    context = copy_context()
    context.run(_current.set, run)
    return context
