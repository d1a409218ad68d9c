"""What a call came to: one record for every call, as JSON at the moment the call ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from toolrun.run import RunStatus
from toolrun.runner._json import encode


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
    position: int = field(default=0, repr=False)
    line: bytes = field(default=b"", repr=False)

    @property
    def ok(self) -> bool:
        """Whether the tool returned."""
        return self.status is RunStatus.OK

    def written(self, output: tuple[bytes, bool] | None = None) -> CallResult:
        """Write down the line now; later changes to the objects that the tool returned do not reach it.

        `output` is the output's JSON and whether it is exact, where that was taken earlier.
        """
        fields = {
            "id": self.id,
            "run_id": str(self.run_id) if self.run_id else None,
            "session": self.session,
            "name": self.name,
            "status": self.status.value,
        }
        parts = [_member(key, encode(value)[0]) for key, value in fields.items()]
        if self.ok:
            text, exact = output or encode(self.output)
            parts.append(_member("output", text))
            if not exact:
                parts.append(_member("json_exact", b"false"))
        else:
            parts.append(_member("error", encode(self.error)[0]))
        started = datetime.fromtimestamp(self.started_at, UTC).isoformat(timespec="microseconds")
        parts.append(_member("started_at", encode(started)[0]))
        parts.append(_member("duration_ms", encode(round(self.duration_ms, 3))[0]))
        self.line = b"{%s}" % b",".join(parts)
        return self


def _member(key: str, text: bytes) -> bytes:
    return b'"%s":%s' % (key.encode(), text)
