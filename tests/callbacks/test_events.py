"""Events of runs: spelt out or not, a handler gets the same."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from toolrun.callbacks._deliver_sync import SyncDelivery
from toolrun.callbacks._events import Event, MoreOf, ToolEnd, ToolStart
from toolrun.callbacks._scope import Scope

RUN_ID, PARENT = UUID(int=1), UUID(int=2)


def told(event: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What a handler gets."""
    return event.tell(lambda handler, *args, **kwargs: ((handler, *args), kwargs), "handler")  # type: ignore[no-any-return]


def run() -> SyncDelivery:
    return SyncDelivery(Scope((), (), PARENT, ("t",), (), {"m": 1}), RUN_ID, {"tool_call_id": "c"})


def test_the_start_of_a_tools_run_is_the_event_that_its_keywords_make() -> None:
    given: dict[str, Any] = {"inputs": {"x": 1}, "name": "n", "color": "red", "metadata": {"m": 1}}
    spelt_out = ToolStart(run(), "c", {"name": "n"}, "text", {"x": 1}, "n", "red")
    assert spelt_out.name == "on_tool_start"
    assert told(spelt_out) == told(run().event("on_tool_start", ({"name": "n"}, "text"), given))


def test_the_end_of_a_tools_run_is_the_event_that_its_keywords_make() -> None:
    spelt_out = ToolEnd(run(), "c", "output", "n", "inline", "red")
    given = {"name": "n", "engine": "inline", "color": "red"}
    assert spelt_out.name == "on_tool_end"
    assert told(spelt_out) == told(run().event("on_tool_end", ("output",), given))


def test_more_of_an_event_has_its_name_and_its_keywords_and_more() -> None:
    event = MoreOf(Event("on_text", ("said",), {"a": 1}), {"b": 2})
    assert event.name == "on_text"
    assert told(event) == (("handler", "said"), {"a": 1, "b": 2})


def test_handlers_of_one_event_do_not_share_what_they_may_change_with_the_run() -> None:
    scope = run().scope
    start = told(ToolStart(run(), "c", {}, "", {}, "n"))[1]
    start["tags"].append("more")
    start["metadata"]["more"] = 1
    assert (scope.tags, scope.metadata) == (("t",), {"m": 1})
