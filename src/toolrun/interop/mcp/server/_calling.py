"""One `tools/call`: a run of the tool, and the answer it comes to."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from pydantic import ValidationError

from toolrun._ids import new_run_id
from toolrun.interop.mcp.server._connection import Connection, attributes_of
from toolrun.interop.mcp.server._content import Answer, answer_of, error_answer
from toolrun.interop.mcp.server._declared import Declared
from toolrun.interop.mcp.server._news import News, Recipient
from toolrun.interop.mcp.server.approval import Asked
from toolrun.interop.mcp.server.request import Request, forget_request, set_request
from toolrun.run import OK
from toolrun.runner import ToolRunner
from toolrun.runner._errors import error_record
from toolrun.runner.runner import _joined
from toolrun.tools._call import Call, arun_call
from toolrun.tools.config import RunConfig

logger = logging.getLogger(__name__)


class Calling:
    """Makes the calls of all clients, as a runner says."""

    def __init__(self, runner: ToolRunner) -> None:
        self._policy = runner._policy
        self._news = News()
        self._config: RunConfig = {**runner._config, "callbacks": _joined(runner._config["callbacks"], [self._news])}

    async def answer(
        self, request: Request, tool: Declared, arguments: dict[str, Any], connection: Connection
    ) -> Answer:
        """Run the tool. What goes wrong is an answer, except that the client, or the end of the server, cancels it."""
        run_id = new_run_id()
        metadata = {**(self._config.get("metadata") or {}), **attributes_of(request)}
        call = Call(
            tool.tool,
            {"type": "tool_call", "id": str(request.request_id), "name": tool.tool.name, "args": arguments},
            {**self._config, "run_id": run_id, "metadata": metadata},
            defaults=self._policy,
            session=connection.session,
            home=connection.home,
        )
        token = set_request(request)
        self._news.begin(run_id, Recipient(request, tool.tool.name, connection.level))
        try:
            await arun_call(call)
        except Asked as pause:
            return pause.question
        except BaseException as error:  # SystemExit too: it ends the call, not the server
            if _is_cancelled(error):
                raise
            return error_answer(_message(error))
        finally:
            self._news.end(run_id)
            forget_request(token)
        return _answer(call, tool) if call.status is OK else error_answer(call.value)


def _answer(call: Call, tool: Declared) -> Answer:
    try:
        return answer_of(call.value, call.artifact, tool.output)
    except ValidationError as error:  # it does not keep to its own annotation, and clients refuse what does not
        logger.warning("tool %r returned something else than it declares: %s", tool.tool.name, error)
        return error_answer(f"{tool.tool.name} returned something else than it declares: {_message(error)}")


def _is_cancelled(error: BaseException) -> bool:
    """Whether it is the request that is cancelled; a tool may raise such an exception by itself."""
    task = asyncio.current_task()
    return isinstance(error, GeneratorExit) or (
        isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0
    )


def _message(error: BaseException) -> str:
    record = error_record(error)
    return f"{record['type']}: {record['message']}" if record["message"] else record["type"]
