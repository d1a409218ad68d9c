"""The road of one tool call, from top to bottom: `run_call` for sync callers, `arun_call` for async ones.

    read input  ->  configure  ->  on_tool_start  ->  bind  ->  engine  ->  format  ->  on_tool_end | on_tool_error

The two drivers do nothing but call, in this order, and wait. Whatever is decided on the way is decided in the
methods of `Call`, which both share. A `Call` is also the record of what became of it.

After a start event there is exactly one terminal event, whatever happens: also when an argument is refused, an
error handler raises, or an output cannot be formatted.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import Context
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic_core import ValidationError

from toolrun.callbacks import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun
from toolrun.callbacks.context import run_context
from toolrun.execution.engine import Engine, engine_named
from toolrun.execution.watchdog import Called, reads, watch_this_loop
from toolrun.run import OK, RunStatus, status_of
from toolrun.tools._answers import answer_tool_error, answer_validation_error
from toolrun.tools._binding import Bound
from toolrun.tools._listeners import scope_for
from toolrun.tools._output import format_output
from toolrun.tools._plan import Target, plan_of
from toolrun.tools.config import RunConfig, configurable_of, share_configurable
from toolrun.tools.exceptions import InvalidOutput, InvalidToolInput

if TYPE_CHECKING:
    from toolrun.tools.base import BaseTool

Run = TypeVar("Run", CallbackManagerForToolRun, AsyncCallbackManagerForToolRun)


def run_call(call: Call) -> Any:
    """Make the call and wait for it."""
    run = call.opened(CallbackManagerForToolRun)
    try:
        if call.listened:
            run.send("on_tool_start", *call.start_event())
        try:
            target = call.plan.run
            face = run.get_async() if target.body.is_async else run
            args, kwargs = call.bound(target, face)
            output = call.formatted(call.engine(target).run(target.body, args, kwargs, call.context(face)))
        except Exception as error:
            output = call.answer(error)
    except BaseException as error:
        call.error = error
        run.on_tool_error(error)
        raise
    run.end("on_tool_end", OK, (output,), call.end_event())
    return output


async def arun_call(call: Call) -> Any:
    """Make the call while the event loop goes on."""
    run = call.opened(AsyncCallbackManagerForToolRun)
    watch = watch_this_loop()
    watch.runs += 1
    try:
        try:
            if call.listened:
                await run.send("on_tool_start", *call.start_event())
            try:
                target = call.plan.arun
                face = run if target.body.is_async else run.get_sync()
                args, kwargs = call.bound(target, face)
                output = call.formatted(await call.engine(target).arun(target.body, args, kwargs, call.context(face)))
            except Exception as error:
                output = call.answer(error)
        except GeneratorExit as error:
            call.error = error
            run.close("on_tool_error", error)
            raise
        except BaseException as error:
            call.error = error
            await run.on_tool_error(error)
            raise
        await run.end("on_tool_end", OK, (output,), call.end_event())
        return output
    finally:
        watch.runs -= 1


class Call:
    """One call: what came in, and at the end what became of it."""

    __slots__ = (
        *("artifact", "config", "error", "extras", "given", "listened"),
        *("plan", "run", "started", "tool", "tool_call_id", "value"),
    )

    def __init__(
        self,
        tool: BaseTool,
        given: Any,
        config: RunConfig | None = None,
        *,
        tool_call_id: str | None = None,
        extras: dict[str, Any] | None = None,
    ) -> None:
        """`given` is a string, a dict of arguments, or a tool call; `extras` go with the events as keywords."""
        if isinstance(given, dict):
            if given.get("type") == "tool_call" and isinstance(given.get("args"), dict):
                tool_call_id, given = given.get("id"), given["args"]
        elif not isinstance(given, str):
            raise InvalidToolInput(tool.name, given)
        self.tool = tool
        self.plan = plan_of(tool)
        self.given = given
        self.config = config
        self.tool_call_id = tool_call_id
        self.extras = extras
        self.run: CallbackManagerForToolRun | AsyncCallbackManagerForToolRun | None = None
        self.started = False
        """Whether the arguments were found good."""
        self.value: Any = None
        """What the body returned, or the answer to its error; without the artifact."""
        self.artifact: Any = None
        self.error: BaseException | None = None
        """What went wrong, also when it was answered."""

    @property
    def status(self) -> RunStatus:
        """How the call ended."""
        return RunStatus.OK if self.error is None else status_of(self.error)

    @property
    def is_verbose(self) -> bool:
        """Whether this one call tells its events on the terminal."""
        return bool(self.extras and self.extras.get("verbose"))

    def opened(self, kind: type[Run]) -> Run:
        """The run of this call, in the scope of those who listen to it."""
        scope = scope_for(self.tool, self.config, self.is_verbose)
        self.listened = bool(scope.handlers)
        run_id = self.config.get("run_id") if self.config else None
        run = kind.of(scope, run_id, {"tool_call_id": self.tool_call_id})
        self.run = run
        return run

    def start_event(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments and the keywords of `on_tool_start`."""
        plan, run = self.plan, self.run
        assert run is not None
        input_str, inputs = plan.binder.shown(self.given)
        name = self.config.get("run_name") if self.config else None
        extras = self._event_extras("start_color") if self.extras else _GREEN
        return (
            ({"name": plan.name, "description": plan.description}, input_str),
            {"metadata": run.metadata, "inputs": inputs, "name": name or plan.name, **extras},
        )

    def end_event(self) -> dict[str, Any]:
        """The keywords of `on_tool_end`."""
        return {"name": self.plan.name, **(self._event_extras("color") if self.extras else _GREEN)}

    def _event_extras(self, color: str) -> dict[str, Any]:
        """What a caller gave to go with the events; the terminal's colour of each is given under a name of its own."""
        given = self.extras or _NOTHING
        return {**{k: v for k, v in given.items() if k not in _NOT_OF_EVENTS}, "color": given.get(color, "green")}

    def bound(self, target: Target, run: Any) -> Bound:
        """The arguments of the body: validated, and completed with what toolrun fills in."""
        args, kwargs = self.plan.bind(self.given, self.tool_call_id)
        self.started = True
        return args, target.filled(kwargs, run, self.config) if target.fillers else kwargs

    def engine(self, target: Target) -> Engine:
        """Where the body runs: the call's config wins over the tool."""
        name = self.config.get("engine") if self.config else None
        return engine_named(name) if name else target.engine

    def context(self, run: Any) -> Context:
        """The context of the body: in it `run` is the current run."""
        context = run_context(run)
        if self.config and self.config.get("configurable"):
            context.run(share_configurable, configurable_of(self.config))
        return context

    def formatted(self, result: Any) -> Any:
        """What the caller gets for what the body returned."""
        if self.tool.response_format == "content_and_artifact":
            if not isinstance(result, tuple) or len(result) != 2:
                raise InvalidOutput(self.plan.name, result)
            result, self.artifact = result
        self.value = result
        if self.tool_call_id is None:
            return result
        return format_output(result, self.artifact, self.tool_call_id, self.plan.name, "success")

    def answer(self, error: Exception) -> Any:
        """What the caller gets for an error of arguments or body; one without an answer is raised again."""
        self.error = error
        if not self.started and isinstance(error, ValidationError):
            content = answer_validation_error(error, self.tool.handle_validation_error)
        else:
            content = answer_tool_error(error, self.tool.handle_tool_error)
        self.value = content
        return format_output(content, None, self.tool_call_id, self.plan.name, "error")


_NOT_OF_EVENTS = frozenset({"verbose", "start_color", "color"})
_NOTHING: Mapping[str, Any] = {}
_GREEN = {"color": "green"}


def _of_call(frame: FrameType) -> Called | None:
    call = frame.f_locals.get("call")
    return Called(call.plan.name, call.run._delivery) if isinstance(call, Call) and call.run else None


reads(run_call, _of_call)
reads(arun_call, _of_call)
