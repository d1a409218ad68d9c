"""What a call came to: one record for every call, as JSON at the moment the call ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from toolrun.run import NOT_STOPPED, RunStatus, StoppedBy
from toolrun.runner._json import encode

if TYPE_CHECKING:
    from toolrun.tools.formats import CallRequest


@dataclass(slots=True)
class CallResult:
    """The result of one call. `output` is the live value; `line` is what it was when the call ended."""

    id: str | int | None
    run_id: UUID | None
    session: str | int | None
    name: str | None
    status: RunStatus
    started_at: float
    duration_ms: float
    output: Any = None
    error: Mapping[str, str] | None = None
    exception: BaseException | None = field(default=None, repr=False)
    stopped_by: StoppedBy = NOT_STOPPED
    """How a body that did not end by itself was stopped, as far as it was known when the call ended."""
    attempts: int = 1
    """How often the body was tried."""
    cached: bool = False
    """Whether the output is that of an earlier call."""
    position: int = field(default=0, repr=False)
    request: CallRequest | None = field(default=None, repr=False)
    """What was asked for; None if that could not be read."""
    line: bytes = field(default=b"", repr=False)

    @property
    def ok(self) -> bool:
        """Whether the tool returned."""
        return self.status is RunStatus.OK

    def written(self, output: tuple[bytes, bool] | None = None) -> CallResult:
        """Write down the line now; later changes to the objects that the tool returned do not reach it.

        `output` is the output's JSON and whether it is exact, where that was taken earlier.
        """
        fields: dict[str, Any] = {
            "id": self.id,
            "run_id": self.run_id,
            "session": self.session,
            "name": self.name,
            "status": self.status.value,
        }
        if self.ok:
            text, exact = output or encode(self.output)
            fields["output"] = orjson.Fragment(text)
            if not exact:
                fields["json_exact"] = False
        else:
            fields["error"] = self.error
            if self.stopped_by is not NOT_STOPPED:
                fields["stopped_by"] = self.stopped_by.value
        if self.attempts > 1:
            fields["attempts"] = self.attempts
        if self.cached:
            fields["cached"] = True
        fields["started_at"] = datetime.fromtimestamp(self.started_at, UTC)
        fields["duration_ms"] = round(self.duration_ms, 3)
        self.line = _line(fields)
        return self


def _line(fields: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(fields)
    except orjson.JSONEncodeError:  # an id of more than 64 bits, or half a surrogate pair in a text
        return b"{%s}" % b",".join(b'"%s":%s' % (key.encode(), _text(value)) for key, value in fields.items())


def _text(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return encode(value)[0]
