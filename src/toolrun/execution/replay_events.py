"""Recorded events of a run, told to the handlers of today."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from toolrun.store.query import StoredEvent

Told = tuple[str, tuple[Any, ...]]
"""A method of a run manager, and its arguments."""

_OURS = "toolrun."


def told(events: tuple[StoredEvent, ...]) -> Iterator[Told]:
    """What is to be told. That the loop was blocked is left out: it was another loop."""
    for event in events:
        match event.event, event.value:
            case "text", text:
                yield "on_text", (text,)
            case "progress", {"progress": progress, **more}:
                yield "on_tool_progress", (progress, more.get("total"), more.get("message"))
            case "output", chunk:
                yield "on_tool_output", (chunk,)
            case "retry", dict(attempt):
                yield "on_retry", (_retry_state(attempt),)
            case "custom", {"name": str(name), **more} if not name.startswith(_OURS):
                yield "on_custom_event", (name, more.get("data"))


def _retry_state(attempt: dict[str, Any]) -> Any:
    """A retry state with what was recorded of it."""
    from concurrent.futures import Future

    from toolrun.execution.replay_errors import revived
    from toolrun.run import RunStatus

    number = attempt.get("attempt") or 1
    outcome: Any = SimpleNamespace(failed=False, exception=lambda: None)
    if error := attempt.get("error"):
        outcome = Future()
        outcome.set_exception(revived(error, RunStatus.ERROR))
        outcome = SimpleNamespace(failed=True, exception=outcome.exception, attempt_number=number)
    action = SimpleNamespace(sleep=attempt["wait"]) if "wait" in attempt else None
    return SimpleNamespace(attempt_number=number, outcome=outcome, next_action=action)
