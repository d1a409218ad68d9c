"""One call of a batch: its session's tools, its tool, its run, its result. It raises nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolrun._ids import monotonic, new_run_id, now
from toolrun.run import RunStatus, status_of
from toolrun.runner._errors import InvalidArguments, error_record
from toolrun.runner.result import CallResult
from toolrun.runner.sessions import Sessions
from toolrun.runner.toolbox import Encoding, encoding
from toolrun.tools._call import Call, arun_call
from toolrun.tools.formats import CallRequest

if TYPE_CHECKING:
    from toolrun.tools import BaseTool
    from toolrun.tools.config import RunConfig


async def run_request(request: CallRequest, sessions: Sessions, config: RunConfig) -> CallResult:
    """Run the request to its result, whatever happens on the way, a cancel included."""
    started_at, began = now(), monotonic()
    call: Call | None = None
    taken = Encoding()
    failure: BaseException | None = None
    try:
        tool = await _tool_for(request, sessions)
        call = _call_of(tool, request, config)
        await _arun_taking(taken, call)
    except BaseException as error:  # SystemExit too: it ends the call, not the batch
        failure = error
    result = CallResult(
        request.id,
        call.run.run_id if call and call.run else None,
        request.session,
        request.name,
        RunStatus.OK,
        started_at,
        (monotonic() - began) * 1000,
        position=request.position,
    )
    return _ended(result, call, failure, taken)


async def _tool_for(request: CallRequest, sessions: Sessions) -> BaseTool:
    tool = (await sessions.tools_of(request.session))[request.name]
    if not isinstance(request.arguments, dict):
        raise InvalidArguments(request.name, request.arguments)
    return tool


def _call_of(tool: BaseTool, request: CallRequest, config: RunConfig) -> Call:
    metadata: dict[str, Any] = dict(config.get("metadata") or {})
    if request.session is not None:
        metadata["session"] = request.session
    own: RunConfig = {**config, "run_id": new_run_id(), "metadata": metadata}
    given = {"type": "tool_call", "id": str(request.id), "name": request.name, "args": request.arguments}
    return Call(tool, given, own)


async def _arun_taking(taken: Encoding, call: Call) -> None:
    token = encoding.set(taken)
    try:
        await arun_call(call)
    finally:
        encoding.reset(token)


def _ended(result: CallResult, call: Call | None, failure: BaseException | None, taken: Encoding) -> CallResult:
    error = failure or (call.error if call else None)
    if error is None:
        assert call is not None
        result.output = call.value
        return result.written(taken.of(call.value))
    result.exception = error
    result.status = call.status if call and call.status is not RunStatus.OK else status_of(error)
    result.error = error_record(error)
    return result.written()
