"""Serves recorded results in place of the tools: an engine, with the way that leads every call to it.

Limits, retries, approval and caches are passed by: what they led to was recorded. Arguments are validated as ever, and
outputs formatted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from toolrun.execution.governor import Way
from toolrun.execution.job import Job
from toolrun.execution.replay_diff import difference, listed
from toolrun.execution.replay_errors import CannotReplay, ReplayDiverged, ReplayError, revived
from toolrun.execution.replay_events import told
from toolrun.execution.replay_recording import RecordedCall, Recording
from toolrun.execution.replay_session import session
from toolrun.run import RunStatus, StoppedBy
from toolrun.store._digest import arguments_digest

_NO_END = {
    "running": "it had not ended when the recording was read",
    "interrupted": "its process died before it ended",
    "cancelled": "it was cancelled",
}
_NOT_WHOLE = {
    "masked": ("secrets in its result were masked", "Record it with a redactor that leaves this result alone"),
    "cut": ("its result was too large, and was cut", "Record it with a larger `largest_value`"),
    "inexact": ("its result is no JSON", "Let the tool return JSON"),
}


class Player:
    """Serves recorded calls to one process; may be asked by several threads at once."""

    def __init__(self, calls: list[RecordedCall]) -> None:
        self.recording = Recording(calls)
        self.served = 0
        self.failure: ReplayError | None = None
        """The first thing that went wrong: from then on nothing is served."""
        self._lock = threading.Lock()

    def way(self, plan: Any, given: Any) -> ReplayWay:
        """The way of a call of the tool with this plan: to the recorded result."""
        shown, inputs = plan.binder.shown(given)
        of_session = session.get()
        return ReplayWay(
            self,
            plan.name,
            shown if inputs is None else inputs,
            None if of_session is None else str(of_session),
            plan.gives_artifact,
        )

    def call_for(self, tool: str, arguments: Any, of_session: str | None) -> RecordedCall:
        """The recorded call that this one repeats; raises what went wrong, and keeps it."""
        with self._lock:
            if self.failure is not None:
                raise ReplayDiverged(f"{tool!r} is called after it went wrong, see above.") from self.failure
            key = tool, arguments_digest(arguments)
            call = self.recording.take(key, of_session)
            try:
                if call is None:
                    raise self._diverged(tool, arguments, self.recording.times_served(key))
                _check(call)
            except ReplayError as error:
                self.failure = error
                raise
            self.served += 1
            return call

    def ended(self) -> ReplayError | None:
        """What went wrong, at the end of the replay; also that calls which were recorded were not made."""
        left = [call for call in self.recording.left() if call.must_be_made]
        if self.failure is None and left:
            what = f"it ended after {self.served:,} calls, and {len(left):,} more were recorded: {listed(left)}."
            self.failure = ReplayDiverged(what)
        return self.failure

    def _diverged(self, tool: str, arguments: Any, times: int) -> ReplayDiverged:
        left = self.recording.left()
        nearest = next((call for call in left if call.run.name == tool), None) or next(iter(left), None)
        called = f"call {self.served + 1} is one of {tool!r}"
        if nearest is None:
            return ReplayDiverged(f"{called}, and all {self.recording.count:,} recorded calls were made before.")
        if times:
            called += f" with arguments with which it was recorded {times:,} {'time' if times == 1 else 'times'} only"
        elif nearest.run.name == tool:
            called += " with arguments with which it was not recorded"
        else:
            called += ", of which no call is left"
        return ReplayDiverged(f"{called}.", f"{difference(tool, arguments, nearest)}\n\nStill to come: {listed(left)}.")


class ReplayWay(Way):
    """The way of one call: to the player, with what it needs to know of the call."""

    __slots__ = ()

    def __init__(self, player: Player, tool: str, arguments: Any, of_session: str | None, gives_artifact: bool) -> None:
        self.engine = ReplayEngine(partial(player.call_for, tool, arguments, of_session), gives_artifact)
        self.timeout = self.memory_limit = None
        self.is_governed = False


class ReplayEngine:
    """Gives the recorded result of one call, after the events that were recorded with it."""

    name = "replay"

    def __init__(self, take: Callable[[], RecordedCall], gives_artifact: bool) -> None:
        self._take, self._gives_artifact = take, gives_artifact

    def run(self, job: Job) -> Any:
        """Tell the events to a sync caller's handlers, and give the result."""
        call = self._take()
        run = job.run.get_sync() if hasattr(job.run, "get_sync") else job.run
        for method, arguments in told(call.payload.events):
            getattr(run, method)(*arguments)
        return self._outcome(call, job)

    async def arun(self, job: Job) -> Any:
        """The same for an async caller."""
        call = self._take()
        run = job.run.get_async() if hasattr(job.run, "get_async") else job.run
        for method, arguments in told(call.payload.events):
            await getattr(run, method)(*arguments)
        return self._outcome(call, job)

    def _outcome(self, call: RecordedCall, job: Job) -> Any:
        run, payload = call.run, call.payload
        job.attempts, job.cached = run.attempts, run.cached
        if run.stopped_by:
            job.was_stopped(StoppedBy(run.stopped_by))
        if payload.error is not None:
            raise revived(payload.error, _status_of(call))
        value = payload.output
        return tuple(value) if self._gives_artifact and isinstance(value, list) else value


def _check(call: RecordedCall) -> None:
    """Raise `CannotReplay` if there is no whole result."""
    run, notes = call.run, call.payload.notes
    if why := _NO_END.get(run.status):
        raise CannotReplay(run.name, run.id, why, "Record it again")
    if call.payload.error is not None:
        return
    if _is_message(call.payload.output):
        raise CannotReplay(run.name, run.id, "its result was a message object", "Let the tool return what it says")
    for note, (why, remedy) in _NOT_WHOLE.items():
        if "output" in notes.get(note, ()):
            raise CannotReplay(run.name, run.id, why, remedy)


def _is_message(output: Any) -> bool:
    """Whether it is how a message that the tool returned itself was recorded."""
    return isinstance(output, dict) and output.get("type") == "tool" and {"content", "tool_call_id"} <= output.keys()


def _status_of(call: RecordedCall) -> RunStatus:
    """That of the error: a run whose error was answered ended well."""
    status = RunStatus(call.run.status)
    return RunStatus.ERROR if status is RunStatus.OK else status
