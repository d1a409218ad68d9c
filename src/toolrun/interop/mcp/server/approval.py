"""Approval by the user of the client that made the call.

A client of the protocol's older revisions is asked while the call waits. Since 2026-07-28 a server does not ask: the
call is answered by the question, its run ends as paused, and the client calls again with its user's answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mcp_types import ElicitRequest, ElicitRequestFormParams, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from toolrun.errors import ControlFlow
from toolrun.interop.mcp.server.request import current_request

_KEY = "approval"


class Asked(ControlFlow):
    """The call waits for an answer, with which it will come again."""

    def __init__(self, question: InputRequiredResult) -> None:
        super().__init__("the client is asked for approval")
        self.question = question


async def ask_client(tool: str, arguments: dict[str, Any]) -> bool | str:
    """Whether the client's user agrees to the call: `@tool(requires_approval=ask_client)`."""
    request = current_request()
    if request is None:
        return "no MCP client made the call"
    capabilities = request.session.client_capabilities
    if capabilities is None or capabilities.elicitation is None:
        return "its client cannot ask its user"
    question = f"Run {tool} {json.dumps(arguments, default=repr, ensure_ascii=False)}?"
    if request.protocol_version in MODERN_PROTOCOL_VERSIONS:
        return _is_accepted(_answer_in(request.params, question))
    answer = await request.session.elicit_form(question, _NOTHING, related_request_id=request.request_id)
    return _is_accepted(answer.action)


def _answer_in(params: Mapping[str, Any] | None, question: str) -> Any:
    responses = (params or {}).get("inputResponses") or {}
    if _KEY not in responses:
        form = ElicitRequestFormParams(message=question, requested_schema=_NOTHING)
        raise Asked(InputRequiredResult(input_requests={_KEY: ElicitRequest(params=form)}))
    return responses[_KEY].get("action")


def _is_accepted(action: Any) -> bool | str:
    return action == "accept" or "by the user of its client"


_NOTHING = {"type": "object", "properties": {}}
"""The schema of a form in which there is nothing to fill in."""
