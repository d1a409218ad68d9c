"""Tracers that say in words what every run does."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from toolrun.tracers.base import BaseTracer
from toolrun.tracers.schemas import Run

_STYLES = {"start": "32;1", "end": "34;1", "error": "31;1", "bold": "1"}


class FunctionCallbackHandler(BaseTracer):
    """Calls a function with a text at the start and the end of every run: what it is, where it is, what it got or gave.

    `color` adds terminal colours to the text.
    """

    name: str = "function_callback_handler"

    def __init__(self, function: Callable[[str], None], *, color: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.function_callback = function
        self._color = color

    def _persist_run(self, run: Run) -> None:
        """Nothing to keep."""

    def get_parents(self, run: Run) -> list[Run]:
        """The runs above a run, the nearest first."""
        return list(self._parents(run))

    def _parents(self, run: Run) -> Iterator[Run]:
        parent: Run | None = run
        while parent is not None and (parent := self.run_map.get(str(parent.parent_run_id))) is not None:
            yield parent

    def get_breadcrumbs(self, run: Run) -> str:
        """The way from the root to a run: `chain:agent > tool:search`."""
        return " > ".join(f"{one.run_type}:{one.name}" for one in [*self.get_parents(run)[::-1], run])

    def _on_run_create(self, run: Run) -> None:
        self._say(run, "start", f"Entering {_title(run)} run with input:", _as_text(run.inputs))

    def _on_run_update(self, run: Run) -> None:
        if run.error is None:
            self._say(run, "end", f"Exiting {_title(run)} run with output:", _as_text(run.outputs))
        else:
            self._say(run, "error", f"{_title(run)} run errored with error:", run.error)

    def _say(self, run: Run, event: str, what: str, value: str) -> None:
        place = f"[{self.get_breadcrumbs(run)}]" + (f" [{_elapsed(run)}]" if run.end_time else "")
        head = self._styled(f"[{run.run_type}/{event}]", event)
        self.function_callback(f"{head} {self._styled(f'{place} {what}', 'bold')}\n{value}")

    def _styled(self, text: str, style: str) -> str:
        return f"\033[{_STYLES[style]}m{text}\033[0m" if self._color else text


class ConsoleCallbackHandler(FunctionCallbackHandler):
    """Prints what every run does, in colour when standard output is a terminal and `NO_COLOR` is not set."""

    name: str = "console_callback_handler"

    def __init__(self, **kwargs: Any) -> None:
        color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        super().__init__(print, **{"color": color, **kwargs})


def _title(run: Run) -> str:
    return "LLM" if run.run_type == "llm" else run.run_type.replace("_", " ").capitalize()


def _elapsed(run: Run) -> str:
    seconds = run.latency or 0.0
    return f"{seconds * 1000:.0f}ms" if seconds < 1 else f"{seconds:.2f}s"


def _as_text(values: dict[str, Any]) -> str:
    """A single value that is a text as itself, anything else as JSON; what JSON does not know by its `str`."""
    (text,) = values.values() if len(values) == 1 else (None,)
    if isinstance(text, str):
        return f'"{text.strip()}"'
    try:
        return json.dumps(values, indent=2, ensure_ascii=False, default=str)
    except (TypeError, ValueError):  # keys that are no texts, circles
        return str(values)
