"""The OpenAI Agents SDK: tools of ours in its agents, its runs in our traces (`pip install 'toolrun[openai-agents]'`).

agent = Agent("helper", tools=[to_openai_agents(search)])
async with traced("question", [handler]) as hooks:
    result = await Runner.run(agent, "Where is it?", hooks=hooks)
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from toolrun.callbacks import AsyncCallbackManager, Callbacks
from toolrun.callbacks.context import inside
from toolrun.errors import ToolrunError
from toolrun.interop._agents import answer, check_tool, manager_here, parameters_of, said_of
from toolrun.interop._peer import required
from toolrun.tools import BaseTool

with required("openai-agents", "openai-agents", since="0.22", before="1"):
    from agents import FunctionTool, RunHooks
    from agents.tool_context import ToolContext

__all__ = ["ToolrunTool", "TracingHooks", "Unfinished", "to_openai_agents", "traced"]


@dataclass(kw_only=True)
class ToolrunTool(FunctionTool):
    """One of our tools in the SDK's form."""

    ours: BaseTool | None = None
    """The tool of ours."""


def to_openai_agents(tool: BaseTool, *, strict: bool = False, raise_errors: bool = False) -> ToolrunTool:
    """A tool of the SDK that runs one of ours: validated, timed, retried and told to handlers by toolrun.

    If the call fails, the model is told so: the agent goes on, and the other calls of the turn keep their results. With
    `raise_errors` the exception ends the agent's run. With `strict` OpenAI holds the model to the schema, in which
    there are no optional arguments then. A parameter marked `InjectedToolArg` gets the SDK's `ToolContext`.
    """
    check_tool(tool)

    async def call(context: ToolContext[Any], arguments: str) -> Any:
        try:
            given = _arguments(arguments)
        except ValueError as error:
            if raise_errors:
                raise
            return said_of(error)
        hooks = _hooks.get()
        callbacks = hooks.manager_of(context.agent) if hooks else None
        call_id = context.tool_call_id
        message = await answer(tool, given, call_id, context, raise_errors=raise_errors, callbacks=callbacks)
        return _output(message.content)

    return ToolrunTool(
        name=tool.name,
        description=tool.description,
        params_json_schema=parameters_of(tool),
        on_invoke_tool=call,
        strict_json_schema=strict,
        ours=tool,
    )


def _arguments(text: str) -> dict[str, Any]:
    given = json.loads(text or "{}")
    if not isinstance(given, dict):
        raise ValueError(f"the arguments must be a JSON object, got {text[:100]!r}")
    return given


def _output(content: Any) -> Any:
    """Text as it is; content blocks as the SDK names them."""
    if isinstance(content, str):
        return content
    return [_block(block) for block in content]


def _block(block: Any) -> dict[str, Any]:
    if isinstance(block, str):
        return {"type": "text", "text": block}
    match block:
        case {"type": "text", "text": text}:
            return {"type": "text", "text": text}
        case {"type": "image_url", "image_url": {"url": url}} | {"type": "image_url", "image_url": str(url)}:
            return {"type": "image", "image_url": url}
    return {"type": "text", "text": json.dumps(block, ensure_ascii=False, default=str)}


class Unfinished(ToolrunError, RuntimeError):
    """The SDK ended a run and never said how a part of it ended: a tool that raised, or a sibling that was given up."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"{name!r} was still open when its run ended.")


@asynccontextmanager
async def traced(name: str, callbacks: Callbacks = None) -> AsyncGenerator[TracingHooks, None]:
    """Tell our handlers of what the SDK runs in the block, as one tree: agents, model calls, tools of its own and ours.

    Give the hooks to `Runner.run(..., hooks=hooks)`. The SDK has no hook for a failure, so what it leaves open is ended
    with the block: by the exception that left it, else by `Unfinished`.
    """
    run = await manager_here(callbacks).on_chain_start({"name": name}, {}, name=name)
    hooks = TracingHooks()
    token = _hooks.set(hooks)
    try:
        with inside(run):
            yield hooks
    except GeneratorExit as error:  # nothing can be awaited
        hooks.close_all(error)
        run.close("on_chain_error", error)
        raise
    except BaseException as error:
        await hooks.end_all(error)
        await run.on_chain_error(error)
        raise
    finally:
        _hooks.reset(token)
    await hooks.end_all()
    await run.on_chain_end({})


_hooks: ContextVar[TracingHooks | None] = ContextVar("toolrun_openai_agents", default=None)
"""Tell a tool of ours, which the SDK calls without its hooks, whose run it is in."""


class TracingHooks(RunHooks[Any]):
    """Opens and ends runs of ours as the SDK says what happens. Made by `traced`."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], tuple[Any, str, Any]] = {}
        """Runs by their kind and what stands for them in the SDK, which is kept here, so that its id stays its own."""

    async def on_agent_start(self, context: Any, agent: Any) -> None:
        """An agent takes over."""
        run = await manager_here().on_chain_start(
            {"name": agent.name}, {"input": getattr(context, "turn_input", None)}, name=agent.name
        )
        self._keep("chain", agent, run, agent.name)

    async def on_agent_end(self, context: Any, agent: Any, output: Any) -> None:
        """An agent has its final output."""
        await self._end("chain", agent, {"output": output})

    async def on_handoff(self, context: Any, from_agent: Any, to_agent: Any) -> None:
        """An agent hands over to another."""
        await self._end("chain", from_agent, {"handoff": to_agent.name})

    async def on_llm_start(self, context: Any, agent: Any, system_prompt: Any, input_items: Any) -> None:
        """A model is asked."""
        name = str(agent.model if isinstance(agent.model, str) else type(agent.model).__name__)
        (run,) = await self.manager_of(agent).on_chat_model_start({"name": name}, [list(input_items)], name=name)
        self._keep("llm", agent, run, name)

    async def on_llm_end(self, context: Any, agent: Any, response: Any) -> None:
        """A model has answered."""
        await self._end("llm", agent, response)

    async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
        """A tool is called; toolrun's own tell of themselves."""
        if isinstance(tool, ToolrunTool):
            return
        arguments = getattr(context, "tool_arguments", "")
        run = await self.manager_of(agent).on_tool_start(
            {"name": tool.name, "description": getattr(tool, "description", "")},
            arguments,
            name=tool.name,
            tool_call_id=getattr(context, "tool_call_id", None),
        )
        self._keep("tool", context, run, tool.name)

    async def on_tool_end(self, context: Any, agent: Any, tool: Any, result: Any) -> None:
        """A tool has answered."""
        await self._end("tool", context, result)

    async def end_all(self, error: BaseException | None = None) -> None:
        """End what is still open, the innermost first."""
        while self._open:
            (kind, _), (run, name, _) = self._open.popitem()
            await getattr(run, f"on_{kind}_error")(error or Unfinished(name))

    def close_all(self, error: BaseException) -> None:
        """The same where nothing can be awaited."""
        while self._open:
            (kind, _), (run, _, _) = self._open.popitem()
            run.close(f"on_{kind}_error", error)

    def manager_of(self, agent: Any) -> AsyncCallbackManager:
        """A manager for runs inside the agent's, or where there is none, inside the run around this code."""
        known = self._open.get(("chain", id(agent)))
        manager: AsyncCallbackManager = known[0].get_child() if known else manager_here()
        return manager

    def _keep(self, kind: str, subject: Any, run: Any, name: str) -> None:
        self._open[kind, id(subject)] = run, name, subject

    async def _end(self, kind: str, subject: Any, output: Any) -> None:
        run, _, _ = self._open.pop((kind, id(subject)), (None, "", None))
        if run is not None:
            await getattr(run, f"on_{kind}_end")(output)
