"""Handlers that write down what they are told."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from toolrun.callbacks import AsyncCallbackHandler, BaseCallbackHandler


class Recorder(AsyncCallbackHandler):
    """Writes down when each event begins and ends; suspends in between."""

    def __init__(self, turns: int = 3) -> None:
        self.log: list[str] = []
        self.turns = turns
        self.errors: list[BaseException] = []

    async def note(self, event: str) -> None:
        self.log.append(f"<{event}")
        for _ in range(self.turns):
            await asyncio.sleep(0)
        self.log.append(f"{event}>")

    async def on_tool_start(self, serialized: Any, input_str: str, **kwargs: Any) -> None:
        await self.note("start")

    async def on_text(self, text: str, **kwargs: Any) -> None:
        await self.note(text)

    async def on_tool_end(self, output: Any, **kwargs: Any) -> None:
        await self.note("end")

    async def on_tool_error(self, error: BaseException, **kwargs: Any) -> None:
        self.errors.append(error)
        await self.note("error")


class SyncRecorder(BaseCallbackHandler):
    def __init__(self) -> None:
        self.log: list[str] = []
        self.threads: set[str] = set()

    def note(self, event: str) -> None:
        self.threads.add(threading.current_thread().name)
        self.log.append(event)

    def on_tool_start(self, serialized: Any, input_str: str, **kwargs: Any) -> None:
        self.note("start")

    def on_text(self, text: str, **kwargs: Any) -> None:
        self.note(text)

    def on_tool_end(self, output: Any, **kwargs: Any) -> None:
        self.note("end")

    def on_tool_error(self, error: BaseException, **kwargs: Any) -> None:
        self.note("error")
