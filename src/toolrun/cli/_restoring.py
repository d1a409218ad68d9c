"""Result lines of calls that had ended when the batch was cut short, but whose lines were not written yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from toolrun.run import RunStatus, StoppedBy
from toolrun.runner import CallResult
from toolrun.runner._keeping import KEPT
from toolrun.store import Store
from toolrun.store.batches import Batches
from toolrun.store.query import Payload, Reader, StoredRun
from toolrun.tools.formats import CallRequest


class Restorer:
    """Makes the lines from the store."""

    def __init__(self, store: Store, batches: Batches) -> None:
        self._batches, self._reader = batches, Reader(store)
        self.count = self.in_part = self.failed = 0

    def close(self) -> None:
        """Close the files."""
        self._reader.close()

    def line(self, request: CallRequest, id_: str) -> bytes:
        """The line of the call, whose run has ended."""
        run = self._reader.find(id_)
        payload = self._reader.payload(run)
        kept = next(self._batches.custom_events(id_, KEPT), None) or {}
        result = _result(request, run, RunStatus(kept.get("status", run.status)))
        if result.ok:
            result.written(self._output(payload, kept))
        else:
            result.error = kept.get("error") or _error(payload)
            result.written()
        self.count += 1
        self.failed += not result.ok
        return result.line

    def lines(self) -> Iterator[str]:
        """What is worth a line in the summary."""
        if self.count:
            yield f"{self.count:,} of their results were not written yet: they are now, from the store."
        if self.in_part:
            yield f"{self.in_part:,} of these are not whole: the store has them masked, or cut."

    def _output(self, payload: Payload, kept: dict[str, Any]) -> tuple[bytes, bool]:
        """The JSON of the output and whether it is exact; what was masked or cut is not."""
        if "output" in kept:
            return kept["output"].encode(), False
        changed = any("output" in payload.notes.get(note, ()) for note in ("masked", "cut"))
        self.in_part += changed
        return (payload.output_json or "null").encode(), not changed


def _result(request: CallRequest, run: StoredRun, status: RunStatus) -> CallResult:
    return CallResult(
        id=request.id,
        run_id=UUID(run.id),
        session=request.session,
        name=request.name,
        status=status,
        started_at=run.at / 1e6,
        duration_ms=(run.us or 0) / 1000,
        stopped_by=StoppedBy(run.stopped_by or "none"),
        attempts=run.attempts or 1,
        cached=run.cached,
    )


def _error(payload: Payload) -> dict[str, str]:
    error = payload.error or {}
    return {"type": error.get("type", "Error"), "message": error.get("message", "")}
