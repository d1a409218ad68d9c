"""pydantic-ai: tools of ours in its agents, and its agents' runs in our traces (`pip install 'toolrun[pydantic-ai]'`).

agent = Agent(model, tools=[to_pydantic_ai(search)], capabilities=[Traced([handler])])
"""

from __future__ import annotations

from typing import Any

from toolrun.callbacks import Callbacks
from toolrun.errors import register_control_flow
from toolrun.interop._agents import answer, check_tool, manager_here, parameters_of, within
from toolrun.interop._peer import required
from toolrun.tools import BaseTool

with required("pydantic-ai-slim", "pydantic-ai", since="2.50", before="3"):
    from pydantic_ai import RunContext, Tool, ToolReturn
    from pydantic_ai.capabilities import AbstractCapability
    from pydantic_ai.exceptions import ApprovalRequired, CallDeferred, ToolFailed

__all__ = ["Traced", "to_pydantic_ai"]

for _pause in (CallDeferred, ApprovalRequired):
    register_control_flow(_pause)


def to_pydantic_ai(tool: BaseTool, *, raise_errors: bool = False) -> Tool[Any]:
    """A tool of pydantic-ai that runs one of ours: validated, timed, retried and told to handlers by toolrun.

    An artifact becomes the `metadata` of the `ToolReturn`. If the call fails, the model is told so by `ToolFailed`: the
    agent goes on, and the other calls of the turn keep their results. With `raise_errors` the exception ends the run of
    the agent, as pydantic-ai has it. A parameter marked `InjectedToolArg` gets pydantic-ai's `RunContext`.
    """
    check_tool(tool)

    async def call(ctx: RunContext[Any], **arguments: Any) -> ToolReturn[Any]:
        message = await answer(tool, arguments, ctx.tool_call_id or "", ctx, raise_errors=raise_errors)
        if message.status == "error":
            raise ToolFailed(str(message.content))
        return ToolReturn(message.content, metadata=message.artifact)

    theirs: Tool[Any] = Tool.from_schema(call, tool.name, tool.description, parameters_of(tool), takes_ctx=True)
    theirs.metadata = {_OURS: True}
    return theirs


_OURS = "toolrun"
"""Marks tools whose runs toolrun itself tells of."""


class Traced(AbstractCapability[Any]):
    """A capability that tells our handlers of an agent's run, its model requests and its own tools, as one tree.

    The runs of our tools are in that tree too. Where an agent runs inside a tool of ours, its run is that run's child.
    """

    def __init__(self, callbacks: Callbacks = None) -> None:
        self.callbacks = callbacks

    async def wrap_run(self, ctx: RunContext[Any], *, handler: Any) -> Any:
        """The agent's run: a chain."""
        name = (ctx.agent.name if ctx.agent else None) or "agent"
        run = await manager_here(self.callbacks).on_chain_start({"name": name}, {"input": ctx.prompt}, name=name)
        return await within(run, "chain", handler, lambda result: {"output": result.output})

    async def wrap_model_request(self, ctx: RunContext[Any], *, request_context: Any, handler: Any) -> Any:
        """A request to the model."""
        model = request_context.model.model_name
        messages = [list(request_context.messages)]
        (run,) = await manager_here().on_chat_model_start({"name": model}, messages, name=model)
        return await within(run, "llm", lambda: handler(request_context))

    async def wrap_tool_execute(
        self, ctx: RunContext[Any], *, call: Any, tool_def: Any, args: Any, handler: Any
    ) -> Any:
        """A tool of pydantic-ai's; toolrun's own tell of themselves."""
        if (tool_def.metadata or {}).get(_OURS):
            return await handler(args)
        run = await manager_here().on_tool_start(
            {"name": tool_def.name, "description": tool_def.description},
            str(args),
            inputs=dict(args),
            name=tool_def.name,
            tool_call_id=call.tool_call_id,
        )
        return await within(run, "tool", lambda: handler(args))
