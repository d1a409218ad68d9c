"""What the bridges to agent frameworks share: a call that is answered whatever becomes of it, and runs of their own.

An agent's turn is as good as its worst tool: in most frameworks an exception of one tool ends the turn for all. So a
call of ours is answered with the error, unless the agent's author wants the exception.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from toolrun.callbacks import AsyncCallbackManager, Callbacks
from toolrun.callbacks._configure import scope_of, with_hooks
from toolrun.callbacks.context import inside, scope_around
from toolrun.errors import is_control_flow
from toolrun.tools import BaseTool, ToolMessage
from toolrun.tools._call import Call, arun_call
from toolrun.tools.exceptions import InvalidTool

Result = TypeVar("Result")


def check_tool(tool: Any) -> None:
    """Refuse what is no tool of ours."""
    if not isinstance(tool, BaseTool):
        raise InvalidTool(repr(tool), "it is no tool of toolrun: make one of it with @tool.")


def parameters_of(tool: BaseTool) -> dict[str, Any]:
    """The JSON schema of the arguments, as a language model is told of them."""
    schema = tool.tool_call_schema
    return schema if isinstance(schema, dict) else {"properties": {}, **schema.model_json_schema()}


def said_of(error: BaseException) -> str:
    """What a model is told of an error."""
    return f"{type(error).__name__}: {error}"


async def answer(
    tool: BaseTool,
    arguments: dict[str, Any],
    call_id: str,
    context: Any,
    *,
    raise_errors: bool,
    callbacks: Callbacks = None,
) -> ToolMessage:
    """Call the tool for a model. Parameters that the program injects get the framework's `context` of the run."""
    given = {**arguments, **dict.fromkeys(tool._injected_args_keys, context)}
    try:
        message: Any = await arun_call(Call(tool, given, {"callbacks": callbacks}, tool_call_id=call_id))
    except Exception as error:
        if raise_errors or is_control_flow(error):
            raise
        return ToolMessage(said_of(error), call_id, name=tool.name, status="error")
    return message if isinstance(message, ToolMessage) else ToolMessage(str(message), call_id, name=tool.name)


def manager_here(callbacks: Callbacks = None) -> AsyncCallbackManager:
    """A manager for runs of the framework: children of the run around this code, told to its handlers and to these."""
    scope = scope_of(callbacks)
    if (around := scope_around()) is not None:
        scope = around.with_handlers(scope.handlers, inherit=True)
    return AsyncCallbackManager.of(with_hooks(scope))


async def within(
    run: Any, kind: str, work: Callable[[], Awaitable[Result]], shown: Callable[[Result], Any] = lambda result: result
) -> Result:
    """Do the work as the body of a run of this kind: `tool`, `chain` or `llm`. It ends with it, however that ends."""
    try:
        with inside(run):
            result = await work()
    except GeneratorExit as error:
        run.close(f"on_{kind}_error", error)
        raise
    except BaseException as error:
        await getattr(run, f"on_{kind}_error")(error)
        raise
    await getattr(run, f"on_{kind}_end")(shown(result))
    return result
