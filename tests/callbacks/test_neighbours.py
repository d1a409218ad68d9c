"""Runs nest in those of another library, by its own account of where the code is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from toolrun import tool
from toolrun.callbacks import CallbackManager, context
from toolrun.callbacks._configure import scope_of
from toolrun.callbacks._scope import Scope
from toolrun.testing import RecordingHandler

THEIR_RUN = UUID(int=7)


class Neighbour:
    """A library with a run of its own wherever `inside` is set; a run of ours in it takes it away for its body."""

    def __init__(self) -> None:
        self.inside: ContextVar[Scope | None] = ContextVar("inside", default=None)
        self.entered: list[UUID] = []

    def enter(self, run: Any) -> Callable[[], object]:
        self.entered.append(run.run_id)
        before = self.inside.get()
        self.inside.set(None)
        return partial(self.inside.set, before)

    def scope_around(self) -> Scope | None:
        return self.inside.get()


@pytest.fixture
def neighbour(monkeypatch: pytest.MonkeyPatch) -> Iterator[Neighbour]:
    monkeypatch.setattr(context, "_neighbours", ())
    neighbour = Neighbour()
    context.live_beside(neighbour)
    context.live_beside(neighbour)
    return neighbour


@tool
def leaf() -> int:
    """Return."""
    return 1


@tool
def calls_leaf() -> int:
    """Call."""
    result: int = leaf.invoke({})
    return result


def test_a_run_is_a_child_of_the_neighbours_run_around_it(neighbour: Neighbour, driver: Any) -> None:
    handler = RecordingHandler()
    neighbour.inside.set(Scope((handler,), (handler,), THEIR_RUN, ("t",), ("t",)))
    driver.invoke(calls_leaf, {})
    neighbour.inside.set(None)
    outer, inner = handler.named("on_tool_start")
    assert (outer.parent_run_id, outer.keywords["tags"]) == (THEIR_RUN, ["t"])
    assert inner.parent_run_id == outer.run_id


def test_the_neighbour_is_told_of_each_run_once(neighbour: Neighbour, driver: Any) -> None:
    handler = RecordingHandler()
    driver.invoke(calls_leaf, {}, {"callbacks": [handler]})
    assert neighbour.entered == [event.run_id for event in handler.named("on_tool_start")]


def test_a_block_inside_a_run_is_nearer_than_the_neighbour_and_then_no_more(neighbour: Neighbour) -> None:
    handler = RecordingHandler()
    run = CallbackManager([handler], [handler]).on_chain_start({"name": "block"}, {})
    neighbour.inside.set(Scope((handler,), (handler,), THEIR_RUN))
    with context.inside(run):
        leaf.invoke({})
    leaf.invoke({})
    neighbour.inside.set(None)
    assert [event.parent_run_id for event in handler.named("on_tool_start")] == [run.run_id, THEIR_RUN]


def test_a_manager_in_the_config_decides_alone(neighbour: Neighbour, driver: Any) -> None:
    handler = RecordingHandler()
    neighbour.inside.set(Scope((), (), THEIR_RUN))
    driver.invoke(leaf, {}, {"callbacks": CallbackManager([handler])})
    neighbour.inside.set(None)
    assert [event.parent_run_id for event in handler.events] == [None, None]


def test_a_manager_of_another_library_gives_what_it_holds() -> None:
    handler = RecordingHandler()
    theirs = SimpleNamespace(
        handlers=[handler],
        inheritable_handlers=[],
        parent_run_id=THEIR_RUN,
        tags=["t"],
        inheritable_tags=[],
        metadata={"m": 1},
        inheritable_metadata={},
    )
    assert scope_of(theirs) == Scope((handler,), (), THEIR_RUN, ("t",), (), {"m": 1}, {})
