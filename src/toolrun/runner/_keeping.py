"""Keeps in the store what a result line needs and a run's record does not hold.

A record holds the value that the body returned as JSON, and the error with its message. Where the result line says it
otherwise (the `repr` of what is no JSON, the fields that did not validate, an answered error), that is recorded as an
event of the run before its end. So what has an end record has all of its result line, and a batch that was killed
between the two can be completed without running the call again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from toolrun.callbacks import BaseCallbackHandler
from toolrun.run import status_of
from toolrun.runner._errors import error_record
from toolrun.runner._functions import encoding

if TYPE_CHECKING:
    from toolrun.handlers import Recorder

KEPT = "toolrun.result"
"""The name of the event. Its data: `error` and `status` of the line; or `output`, the JSON text, if not exact."""


class Keeper(BaseCallbackHandler):
    """Stands before the recorder, so that what it records is there before the run's end is."""

    run_inline = True

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Keep an output that is not JSON, and an error that was answered."""
        place = encoding.get()
        if place is None or place.call is None or place.call.run.run_id != run_id:
            return  # a tool that a tool of the batch calls
        if place.call.error is not None:
            self._keep(run_id, _told(place.call.error))
            return
        text, exact = place.of(place.call.value)
        if not exact:
            self._keep(run_id, {"output": text.decode()})

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Keep the error as the result line says it."""
        place = encoding.get()
        if place is not None and place.call is not None and place.call.run.run_id == run_id:
            self._keep(run_id, _told(error))

    def _keep(self, run_id: UUID, data: dict[str, Any]) -> None:
        later = self._recorder.on_custom_event(KEPT, data, run_id=run_id)
        if later is not None:
            later.at_once()  # not beside the end: before it


def _told(error: BaseException) -> dict[str, Any]:
    return {"error": error_record(error), "status": status_of(error).value}
