"""What happens in a run, told to the client that asked for it.

    on_tool_progress             notifications/progress, if the client gave a token; only what is more than before
    on_tool_output               a log message: {"output": the part}
    on_text, on_custom_event     a log message: the text, or {"event": its name, "data": its data}
    on_retry                     a log message of level "warning"

Only the run itself is told of, not runs inside it: their progress counts something else.
"""

from __future__ import annotations

from typing import Any, get_args
from uuid import UUID

from mcp_types import LOG_LEVEL_META_KEY, LoggingLevel, LoggingMessageNotification, LoggingMessageNotificationParams
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic_core import to_jsonable_python

from toolrun.callbacks import AsyncCallbackHandler
from toolrun.interop.mcp.server.request import Request
from toolrun.tools._snapshot import safe_repr

LEVELS: tuple[LoggingLevel, ...] = get_args(LoggingLevel)
"""From the least to the most severe."""

USUAL: LoggingLevel = "info"
"""The least level that a client of the protocol's older revisions is sent, unless it says otherwise."""


class Recipient:
    """The client of one call, with what it wants to hear."""

    def __init__(self, request: Request, tool: str, level: LoggingLevel = USUAL) -> None:
        """`level` is what was asked for with `logging/setLevel`; since 2026-07-28 each request says it itself."""
        self._request, self._tool = request, tool
        self._progress: float | None = None
        if request.protocol_version in MODERN_PROTOCOL_VERSIONS:
            wanted = (request.meta or {}).get(LOG_LEVEL_META_KEY)
            self._levels = LEVELS[LEVELS.index(wanted) :] if wanted in LEVELS else ()
        else:
            self._levels = LEVELS[LEVELS.index(level) :]

    async def progress(self, progress: float, total: float | None, message: str | None) -> None:
        """Say how far the tool is; the protocol wants it to grow."""
        if self._progress is None or progress > self._progress:
            self._progress = progress
            await self._request.session.report_progress(progress, total, message)

    async def log(self, level: LoggingLevel, data: Any) -> None:
        """Send a log message, if the client wants messages of this level."""
        if level in self._levels:
            params = LoggingMessageNotificationParams(
                level=level, logger=self._tool, data=to_jsonable_python(data, fallback=safe_repr)
            )
            await self._request.session.send_notification(
                LoggingMessageNotification(params=params), related_request_id=self._request.request_id
            )


class News(AsyncCallbackHandler):
    """Tells each client of its own calls. One handler for all, so that its plan is compiled once."""

    run_inline = True

    def __init__(self) -> None:
        self._recipients: dict[UUID, Recipient] = {}

    def begin(self, run_id: UUID, recipient: Recipient) -> None:
        """From now on tell of this run."""
        self._recipients[run_id] = recipient

    def end(self, run_id: UUID) -> None:
        """The call has its answer: nothing may follow it."""
        self._recipients.pop(run_id, None)

    async def on_tool_progress(
        self, progress: float, total: float | None = None, message: str | None = None, *, run_id: UUID, **kwargs: Any
    ) -> None:
        if (recipient := self._recipients.get(run_id)) is not None:
            await recipient.progress(progress, total, message)

    async def on_tool_output(self, chunk: Any, *, run_id: UUID, **kwargs: Any) -> None:
        await self._log(run_id, "info", {"output": chunk})

    async def on_text(self, text: str, *, run_id: UUID, **kwargs: Any) -> None:
        await self._log(run_id, "info", text)

    async def on_custom_event(self, name: str, data: Any, *, run_id: UUID, **kwargs: Any) -> None:
        await self._log(run_id, "info", {"event": name, "data": data})

    async def on_retry(self, retry_state: Any, *, run_id: UUID, **kwargs: Any) -> None:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        await self._log(run_id, "warning", f"attempt {retry_state.attempt_number} failed: {safe_repr(error)}")

    async def _log(self, run_id: UUID, level: LoggingLevel, data: Any) -> None:
        if (recipient := self._recipients.get(run_id)) is not None:
            await recipient.log(level, data)
