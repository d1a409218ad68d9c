"""The road of one tool call, from top to bottom: `run_call` for sync callers, `arun_call` for async ones.

    read input  ->  configure  ->  on_tool_start  ->  bind  ->  engine  ->  format  ->  on_tool_end | on_tool_error

The two drivers do nothing but call, in this order, and wait. Whatever is decided on the way is decided in the
methods of `Call`, which both share. A `Call` is also the record of what became of it.

After a start event there is exactly one terminal event, whatever happens: also when an argument is refused, an
error handler raises, or an output cannot be formatted.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Hashable, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic_core import ValidationError

from toolrun.callbacks import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun
from toolrun.callbacks.context import run_context
from toolrun.execution import replay
from toolrun.execution.governor import Way
from toolrun.execution.job import Job
from toolrun.execution.policy import Policy
from toolrun.execution.watchdog import Called, reads, watch_this_loop
from toolrun.run import NOT_STOPPED, OK, StoppedBy, status_of
from toolrun.tools._answers import UNANSWERED, answer_tool_error, answer_validation_error
from toolrun.tools._listeners import scope_for
from toolrun.tools._output import format_output
from toolrun.tools._plan import Target, plan_of
from toolrun.tools._told import end_of, how_it_ran, start_of
from toolrun.tools.config import RunConfig, configurable_of, share_configurable
from toolrun.tools.exceptions import InvalidOutput, InvalidToolInput

if TYPE_CHECKING:
    from toolrun.tools.base import BaseTool

Raised = TypeVar("Raised", bound=BaseException)
Run = TypeVar("Run", CallbackManagerForToolRun, AsyncCallbackManagerForToolRun)


def run_call(call: Call) -> Any:
    """Make the call and wait for it."""
    target = call.plan.run
    run = call.opened(CallbackManagerForToolRun, target)
    delivery = run._delivery
    try:
        if call.listened:
            delivery.tell(start_of(call))
        try:
            face = run.get_async() if target.body.is_async else run
            way = call.find_way(target)
            output = call.formatted(way.engine.run(call.new_job(target, way, face)))
        except Exception as error:
            output = call.answer(error)
            if output is UNANSWERED:
                raise
    except BaseException as error:
        run.on_tool_error(call.failed(error), **how_it_ran(call))
        raise
    if delivery.end(OK) and call.listened:
        delivery.tell(end_of(call, output))
    return output


async def arun_call(call: Call) -> Any:
    """Make the call while the event loop goes on."""
    target = call.plan.arun
    run = call.opened(AsyncCallbackManagerForToolRun, target)
    delivery = run._delivery
    watch = watch_this_loop()
    watch.runs += 1
    try:
        try:
            if call.listened and (rest := delivery.begin(start_of(call))) is not None:
                await rest
            try:
                face = run if target.body.is_async else run.get_sync()
                way = call.find_way(target)
                output = call.formatted(await way.engine.arun(call.new_job(target, way, face)))
            except Exception as error:
                output = call.answer(error)
                if output is UNANSWERED:
                    raise
        except GeneratorExit as error:
            call.failed(error)
            run.close("on_tool_error", error, how_it_ran(call))
            raise
        except BaseException as error:
            await run.on_tool_error(call.failed(error), **how_it_ran(call))
            raise
        if delivery.end(OK) and call.listened and (rest := delivery.begin(end_of(call, output))) is not None:
            await rest
        return output
    finally:
        watch.runs -= 1


class Call:
    """One call: what came in, and at the end what became of it."""

    __slots__ = (
        *("answered", "answers", "artifact", "config", "defaults", "error", "extras", "given", "home"),
        *("is_record", "job", "listened", "plan", "run", "session", "started", "status", "tool"),
        *("tool_call_id", "value", "way"),
    )

    def __init__(
        self,
        tool: BaseTool,
        given: Any,
        config: RunConfig | None = None,
        *,
        tool_call_id: str | None = None,
        extras: dict[str, Any] | None = None,
        defaults: Policy | None = None,
        session: Any = None,
        home: Hashable | None = None,
        is_record: bool = False,
        answers: Callable[..., Any] = format_output,
    ) -> None:
        """`given` is a string, a dict of arguments, or a tool call; `extras` go with the events as keywords.

        `defaults` is the policy of a runner: what the tool and the config say wins. `session` is told to handlers;
        `home` is what worker processes know it by, if it lives in one. A call that `is_record` keeps its error until
        `take_error`; others do not, for the error's traceback leads back to the call. `answers` makes what the caller
        gets for what the body gave, or for an error that has an answer.
        """
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
        self.defaults = defaults
        self.session = session
        self.home = home
        self.answers = answers
        self.way: Way
        """How and where the body runs, or would have if it had come to that."""
        self.run: CallbackManagerForToolRun | AsyncCallbackManagerForToolRun | None = None
        self.job: Job | None = None
        """What was given to the engine."""
        self.started = False
        """Whether the arguments were found good."""
        self.value: Any = None
        """What the body returned, or the answer to its error; without the artifact."""
        self.artifact: Any = None
        self.is_record = is_record
        self.answered: BaseException | None = None
        """The error that was answered, until the handlers are told."""
        self.error: BaseException | None = None
        """What went wrong, also when it was answered; of a record."""
        self.status = OK
        """How the call ended."""

    @property
    def stopped_by(self) -> StoppedBy:
        """How a body that did not end by itself was stopped, as far as it is known now."""
        return NOT_STOPPED if self.job is None else self.job.stopped_by

    @property
    def is_verbose(self) -> bool:
        """Whether this one call tells its events on the terminal."""
        return bool(self.extras and self.extras.get("verbose"))

    def opened(self, kind: type[Run], target: Target) -> Run:
        """The run of this call, in the scope of those who listen to it."""
        self.way = target.way
        scope = scope_for(self.tool, self.plan, self.config, bool(self.extras) and self.is_verbose)
        self.listened = bool(scope.handlers)
        run_id = self.config.get("run_id") if self.config else None
        run = kind.of(scope, run_id, {"tool_call_id": self.tool_call_id})
        self.run = run
        return run

    def find_way(self, target: Target) -> Way:
        """How and where the body runs: the config of the call wins over the tool, and that over the runner."""
        config = self.config
        if self.defaults is not None or (config and ("timeout" in config or "retry" in config or "engine" in config)):
            get = (config or _NOTHING).get
            self.way = target.ways.other(get("timeout"), get("retry"), get("engine"), self.defaults)
        if replay.playing is not None:
            self.way = replay.playing.way(self.plan, self.given)
        return self.way

    def new_job(self, target: Target, way: Way, run: Any) -> Job:
        """What the engine gets: the body with its arguments validated, completed with what toolrun fills in."""
        plan = self.plan
        args, kwargs = plan.bind(self.given, self.tool_call_id)
        self.started = True
        filled = target.filled(kwargs, run, self.config) if target.fillers else kwargs
        context = run_context(run)
        if self.config and self.config.get("configurable"):
            context.run(share_configurable, configurable_of(self.config))
        self.job = job = Job(
            target.body, args, filled, context, run, plan.name, way.timeout, way.memory_limit, self.home
        )
        if way.is_governed:
            job.given, job.shown = (args, kwargs), plan.binder.masked(args, kwargs)
        return job

    def formatted(self, result: Any) -> Any:
        """What the caller gets for what the body returned."""
        if self.plan.gives_artifact:
            if not isinstance(result, tuple) or len(result) != 2:
                raise InvalidOutput(self.plan.name, result)
            result, self.artifact = result
        self.value = result
        if self.tool_call_id is None:
            return result
        return self.answers(result, self.artifact, self.tool_call_id, self.plan.name, "success")

    def failed(self, error: BaseException) -> BaseException:
        """Note the error that ends the call; gives it as handlers are told of it.

        A coroutine that a cancel went through was stopped by cooperation.
        """
        error = self._as_raised(error)
        self._note(error)
        job = self.job
        if job is not None and isinstance(error, CancelledError | GeneratorExit):
            job.ask_to_stop()
            if job.body.is_async and job.stopped_by is NOT_STOPPED:
                job.was_stopped(StoppedBy.COOPERATION)
        return error

    def _as_raised(self, error: Raised) -> Raised | StopIteration:
        """The error as a sync body raised it: on its way through our coroutines Python replaces a StopIteration."""
        stop, job = error.__cause__, self.job
        if isinstance(stop, StopIteration) and error.args == _REPLACED and job is not None and not job.body.is_async:
            return stop
        return error

    def answer(self, error: Exception) -> Any:
        """What the caller gets for an error of arguments or body, or `UNANSWERED`."""
        error = self._as_raised(error)
        self._note(error)
        if not self.started and isinstance(error, ValidationError):
            content = answer_validation_error(error, self.tool.handle_validation_error)
        else:
            content = answer_tool_error(error, self.tool.handle_tool_error)
        if content is UNANSWERED:
            return UNANSWERED
        self.value = content
        if self.listened:
            self.answered = error
        return self.answers(content, None, self.tool_call_id, self.plan.name, "error")

    def _note(self, error: BaseException) -> None:
        self.status = status_of(error)
        if self.is_record:
            self.error = error

    def take_error(self) -> BaseException | None:
        """What went wrong, as the handlers were told; only once, so that no cycle of references remains."""
        error, self.error = self.error, None
        return error


_REPLACED = ("coroutine raised StopIteration",)
_NOTHING: Mapping[str, Any] = {}


def _of_call(frame: FrameType) -> Called | None:
    call = frame.f_locals.get("call")
    return Called(call.plan.name, call.run._delivery) if isinstance(call, Call) and call.run else None


reads(run_call, _of_call)
reads(arun_call, _of_call)
