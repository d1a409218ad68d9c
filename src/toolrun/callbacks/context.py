"""The run that the code is in, carried by a context variable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from typing import TYPE_CHECKING, Any, Protocol

from toolrun.callbacks._scope import Scope

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
    for neighbour in _neighbours:
        context.run(neighbour.enter, run)
    return context


@contextmanager
def inside(run: BaseRunManager[Any]) -> Iterator[None]:
    """Have the block be in `run`: for code of another library that is a run, and that no engine of ours calls."""
    token = _current.set(run)
    undo = [neighbour.enter(run) for neighbour in _neighbours]
    try:
        yield
    finally:
        for leave in reversed(undo):
            leave()
        _current.reset(token)


def scope_around() -> Scope | None:
    """What a run opened here starts from: the scope for children of the nearest run, ours or a neighbour's."""
    for neighbour in _neighbours:
        if (scope := neighbour.scope_around()) is not None:
            return scope
    run = _current.get()
    return None if run is None else run.child_scope()


class Neighbour(Protocol):
    """Another library with runs of its own, and its own account of which of them the code is in."""

    def enter(self, run: BaseRunManager[Any]) -> Callable[[], object]:
        """Take note, in the context of its body, that `run` is now the nearest run. Gives what undoes it."""

    def scope_around(self) -> Scope | None:
        """What children of the nearest run that it knows start from, ours included; None if it knows of none."""


_neighbours: tuple[Neighbour, ...] = ()


def live_beside(neighbour: Neighbour) -> None:
    """Have runs nest in those of another library, and its runs in ours. Twice is the same as once."""
    global _neighbours
    if neighbour not in _neighbours:
        _neighbours = (*_neighbours, neighbour)
