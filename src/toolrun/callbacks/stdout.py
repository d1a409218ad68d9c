"""Runs as readable text on standard output, or wherever a subclass writes."""

from __future__ import annotations

from typing import Any

from toolrun.callbacks._print import print_text
from toolrun.callbacks.base import BaseCallbackHandler


class StdOutCallbackHandler(BaseCallbackHandler):
    """Prints chains, agent actions, tool results and texts."""

    def __init__(self, color: str | None = None) -> None:
        self.color = color

    def _write(self, text: str, color: str | None = None, end: str = "") -> None:
        print_text(text, color, end)

    def on_chain_start(self, serialized: dict[str, Any] | None, inputs: Any, **kwargs: Any) -> None:
        """Say which chain begins."""
        known = serialized or {}
        name = kwargs.get("name") or known.get("name") or (known.get("id") or ["<unknown>"])[-1]
        self._write(f"\n\n\033[1m> Entering new {name} chain...\033[0m", end="\n")

    def on_chain_end(self, outputs: Any, **kwargs: Any) -> None:
        """Say that it ended."""
        self._write("\n\033[1m> Finished chain.\033[0m", end="\n")

    def on_agent_action(self, action: Any, color: str | None = None, **kwargs: Any) -> None:
        """Print the action's log."""
        self._write(action.log, color or self.color)

    def on_tool_end(
        self,
        output: Any,
        color: str | None = None,
        observation_prefix: str | None = None,
        llm_prefix: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Print the output."""
        if observation_prefix is not None:
            self._write(f"\n{observation_prefix}")
        self._write(str(output), color or self.color)
        if llm_prefix is not None:
            self._write(f"\n{llm_prefix}")

    def on_text(self, text: str, color: str | None = None, end: str = "", **kwargs: Any) -> None:
        """Print the text."""
        self._write(text, color or self.color, end)

    def on_agent_finish(self, finish: Any, color: str | None = None, **kwargs: Any) -> None:
        """Print the last log."""
        self._write(finish.log, color or self.color, "\n")
