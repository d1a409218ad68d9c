"""One call of a batch: its session's tools, its tool, its run, its result. It raises nothing."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

from toolrun._ids import monotonic, new_run_id, now
from toolrun.execution import replay
from toolrun.execution.replay_session import session as replayed_session
from toolrun.run import NOT_STOPPED, RunStatus, status_of
from toolrun.runner._errors import InvalidArguments, error_record
from toolrun.runner._functions import Encoding, encoding
from toolrun.runner.result import CallResult
from toolrun.runner.sessions import Sessions
from toolrun.runner.toolbox import Toolbox
from toolrun.tools._call import Call, arun_call
from toolrun.tools.formats import CallRequest

if TYPE_CHECKING:
    from toolrun.execution.policy import Policy
    from toolrun.tools import BaseTool
    from toolrun.tools.config import RunConfig


Guard = Callable[[CallRequest, Toolbox], None]
"""Sees a call with its session's tools before it runs; what it raises is the call's outcome."""


async def run_request(
    request: CallRequest,
    sessions: Sessions,
    config: RunConfig,
    policy: Policy | None = None,
    guard: Guard | None = None,
) -> CallResult:
    """Run the request to its result, whatever happens on the way, a cancel included."""
    attempt = _Attempt(request)
    try:
        tools = await sessions.tools_of(request.session)
        if guard is not None:
            guard(request, tools)
        await attempt.run(tools[request.name], config, policy, sessions.home_of(request.session))
    except BaseException as error:  # SystemExit too: it ends the call, not the batch
        attempt.failed(error)
    return attempt.result()


class _Attempt:
    """What is known of a call while it is made."""

    def __init__(self, request: CallRequest) -> None:
        self.request = request
        self.call: Call | None = None
        self.error: BaseException | None = None
        self.encoding = Encoding()
        self._start_clock()

    def _start_clock(self) -> None:
        self.started_at, self.began = now(), monotonic()

    async def run(self, tool: BaseTool, config: RunConfig, policy: Policy | None, home: Hashable | None = None) -> None:
        """Make the call; the clock starts anew, for the time before was not the tool's."""
        request = self.request
        if not isinstance(request.arguments, dict):
            raise InvalidArguments(request.name, request.arguments)
        given = {"type": "tool_call", "id": str(request.id), "name": request.name, "args": request.arguments}
        own = _config_of(request, config)
        self.call = Call(tool, given, own, defaults=policy, session=request.session, home=home, is_record=True)
        self._start_clock()
        if replay.playing is not None:
            replayed_session.set(request.session)  # in the task of this call, or of its session
        self.encoding.call = self.call
        token = encoding.set(self.encoding)
        try:
            await arun_call(self.call)
        finally:
            encoding.reset(token)
            self.encoding.call = None
        self.error = self.call.take_error()  # one that was answered: the call failed all the same

    def failed(self, error: BaseException) -> None:
        """Keep what was raised; it is what handlers were told, unless a coroutine cannot raise that."""
        told = self.call.take_error() if self.call else None
        self.error = told if isinstance(told, StopIteration) and error.__cause__ is told else error

    def result(self) -> CallResult:
        """The result, written down."""
        request, call = self.request, self.call
        result = CallResult(
            id=request.id,
            run_id=call.run.run_id if call and call.run else None,
            session=request.session,
            name=request.name,
            status=RunStatus.OK if self.error is None else status_of(self.error),
            started_at=self.started_at,
            duration_ms=(monotonic() - self.began) * 1000,
            position=request.position,
            request=request,
            stopped_by=call.stopped_by if call else NOT_STOPPED,
        )
        if call is not None and call.job is not None:
            result.cached, result.attempts = call.job.cached, call.job.attempts
        if self.error is not None:
            result.exception, result.error = self.error, error_record(self.error)
            self.error = None  # its traceback leads back to this attempt
            return result.written()
        assert call is not None
        result.output = call.value
        return result.written(self.encoding.of(call.value))


def _config_of(request: CallRequest, shared: RunConfig) -> RunConfig:
    metadata: dict[str, Any] = {**(shared.get("metadata") or {}), **(request.metadata or {})}
    if request.session is not None:
        metadata["session"] = request.session
    return {**shared, "run_id": new_run_id(), "metadata": metadata}
