"""Three tools of one turn, a blocking, an async and a failing one, that only get on if all of them run at once."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from toolrun import tool
from toolrun.testing import RecordingHandler


def three_tools() -> list[Any]:
    """The tools `blocking`, `later` and `failing`; each takes `x`."""
    barrier = threading.Barrier(3)

    @tool
    def blocking(x: int) -> str:
        """Block."""
        barrier.wait(60)
        return f"blocked {x}"

    @tool
    async def later(x: int) -> str:
        """Suspend."""
        await asyncio.get_running_loop().run_in_executor(None, barrier.wait, 60)
        return f"later {x}"

    @tool
    def failing(x: int) -> str:
        """Fail."""
        barrier.wait(60)
        raise ValueError(f"no {x}")

    return [blocking, later, failing]


THREE_CALLS = [("blocking", {"x": 0}), ("later", {"x": 1}), ("failing", {"x": 2})]
THREE_ANSWERS = ["blocked 0", "later 1", "ValueError: no 2"]


def meeting_tool(parties: int) -> Any:
    """A blocking tool `meets` that returns when so many calls of it are at it."""
    barrier = threading.Barrier(parties)

    @tool
    def meets(x: int) -> str:
        """Meet."""
        barrier.wait(60)
        return str(x)

    return meets


def tree(handler: RecordingHandler) -> dict[str, str | None]:
    """The name of each run, and that of the run around it."""
    starts = [event for event in handler.events if event.name.endswith("_start")]
    names = {event.run_id: event.keywords.get("name") or event.name for event in starts}
    return {names[event.run_id]: names.get(event.parent_run_id) for event in starts}  # type: ignore[arg-type]


def assert_each_start_has_its_end(handler: RecordingHandler) -> None:
    """Exactly one, and nothing after it."""
    for start in [event for event in handler.events if event.name.endswith("_start")]:
        names = [event.name for event in handler.of(start.run_id)]
        assert sum(name.endswith(("_end", "_error")) for name in names) == 1, names
        assert names[-1].endswith(("_end", "_error")), names
