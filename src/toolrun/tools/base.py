"""BaseTool: what every tool is. Subclass it with `_run` or `_arun`, or decorate a function with `@tool`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SkipValidation

from toolrun._offload import TOOL_POOL
from toolrun.callbacks import BaseCallbackManager, Callbacks
from toolrun.callbacks._configure import scope_of
from toolrun.execution.body import Body
from toolrun.execution.cache import Cache
from toolrun.execution.engine import EngineName
from toolrun.execution.governor import Resources
from toolrun.execution.policy import Approval, Policy, check, check_wishes
from toolrun.execution.retry import Retry
from toolrun.tools._answers import ToolErrorHandler, ValidationErrorHandler
from toolrun.tools._batch import abatch, batch
from toolrun.tools._binding import Arguments, Binder, Bound
from toolrun.tools._call import Call, arun_call, run_call
from toolrun.tools._plan import Plan, plan_of, resources_of
from toolrun.tools._schema import ArgsSchema, call_schema, create_schema_from_function
from toolrun.tools.config import RunConfig
from toolrun.tools.exceptions import InvalidTool, SchemaAnnotationError
from toolrun.tools.exceptions import ToolException as ToolException  # for LangChain's users, who import it from here
from toolrun.tools.injected import InjectedToolArg as InjectedToolArg  # so is this
from toolrun.tools.injected import InjectedToolCallId as InjectedToolCallId  # and this
from toolrun.tools.messages import ToolCall

ToolInput = str | dict[str, Any] | ToolCall


class BaseTool(BaseModel):
    """A tool: a name, a description, arguments, and something to run.

    Calls may come from any thread and run at the same time. A subclass may write `_run` and `_arun` as
    functions or as generators; in a generator every value yielded is partial output.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, defer_build=True, extra="forbid")
    __slots__ = ("_call_schema", "_plan", "_resources")

    if TYPE_CHECKING:
        _plan: Plan
        _call_schema: type[BaseModel]
        _resources: Resources

    name: str
    """Unique among the tools that a model is given."""
    description: str
    """Tells the model when and how to use the tool."""
    args_schema: Annotated[ArgsSchema | None, SkipValidation()] = Field(default=None, description="The tool schema.")
    """A class of pydantic models, or a JSON schema. Without one, arguments go to `_run` unvalidated."""
    return_direct: bool = False
    """Tells the agent to answer with the tool's output as it is."""
    verbose: bool = False
    """Whether to print the events of this tool's runs."""
    callbacks: Annotated[Callbacks, SkipValidation()] = Field(default=None, exclude=True)
    """Handlers for the runs of this tool, but not for those inside them."""
    tags: list[str] | None = None
    """Go with every event of this tool's runs."""
    metadata: dict[str, Any] | None = None
    """Goes with every start event of this tool's runs."""
    handle_tool_error: ToolErrorHandler = False
    """What to answer when the body raises: see `tools/_answers.py`. What has no answer is raised."""
    handle_validation_error: ValidationErrorHandler = False
    """What to answer when the arguments do not validate. Errors that the body raises are none of these."""
    response_format: Literal["content", "content_and_artifact"] = "content"
    """With "content_and_artifact" the body returns a pair: content for the model, and an artifact for the program."""
    extras: dict[str, Any] | None = None
    """For one provider of models or the other, such as `cache_control`."""
    engine: EngineName | None = None
    """Where sync bodies run: by default in threads when awaited or when there is a timeout, else inline."""
    timeout: Annotated[float | None, SkipValidation()] = None
    """Seconds that each attempt may take. This and what follows: see `execution/policy.py`."""
    retry: Annotated[Retry | int | None, SkipValidation()] = None
    max_concurrency: Annotated[int | None, SkipValidation()] = None
    rate_limit: Annotated[float | None, SkipValidation()] = None
    cache: Annotated[Cache | float | bool | None, SkipValidation()] = None
    memory_limit: Annotated[int | None, SkipValidation()] = None
    requires_approval: Annotated[Approval | None, SkipValidation()] = None
    idempotent: bool = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if inspect.get_annotations(cls).get("args_schema") in (BaseModel, "BaseModel"):
            raise SchemaAnnotationError(cls.__name__)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        _check_schema(self.name, self.args_schema)
        if self.callbacks is not None:
            BaseCallbackManager(scope_of(self.callbacks).handlers)  # refuses what is no handler
        if not any(self._functions()):
            raise InvalidTool(self.name, "it has nothing to run: define _run or _arun, or give it func or coroutine.")
        self._check_policy()

    # --- calling it ---

    def invoke(self, input: ToolInput, config: RunConfig | None = None, **extras: Any) -> Any:
        """Run the tool. A tool call in gives a tool message out; otherwise what the tool returns comes out as it is.

        `extras` go to the handlers as keywords of start and end. A tool that is only async runs on the background loop.
        """
        return run_call(Call(self, input, config, extras=extras))

    async def ainvoke(self, input: ToolInput, config: RunConfig | None = None, **extras: Any) -> Any:
        """Run the tool while the event loop goes on. A tool that is only sync runs in a thread."""
        return await arun_call(Call(self, input, config, extras=extras))

    def run(
        self,
        tool_input: str | dict[str, Any],
        verbose: bool | None = None,
        start_color: str | None = "green",
        color: str | None = "green",
        callbacks: Callbacks = None,
        *,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        run_name: str | None = None,
        run_id: UUID | None = None,
        config: RunConfig | None = None,
        tool_call_id: str | None = None,
        **extras: Any,
    ) -> Any:
        """Run the tool, with the parts of the config as arguments of their own, which win over `config`."""
        config = _config(config, callbacks=callbacks, tags=tags, metadata=metadata, run_name=run_name, run_id=run_id)
        extras |= {"verbose": verbose, "start_color": start_color, "color": color}
        return run_call(Call(self, tool_input, config, tool_call_id=tool_call_id, extras=extras))

    async def arun(
        self,
        tool_input: str | dict[str, Any],
        verbose: bool | None = None,
        start_color: str | None = "green",
        color: str | None = "green",
        callbacks: Callbacks = None,
        *,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        run_name: str | None = None,
        run_id: UUID | None = None,
        config: RunConfig | None = None,
        tool_call_id: str | None = None,
        **extras: Any,
    ) -> Any:
        """The async twin of `run`."""
        config = _config(config, callbacks=callbacks, tags=tags, metadata=metadata, run_name=run_name, run_id=run_id)
        extras |= {"verbose": verbose, "start_color": start_color, "color": color}
        return await arun_call(Call(self, tool_input, config, tool_call_id=tool_call_id, extras=extras))

    def batch(
        self,
        inputs: Sequence[ToolInput],
        config: RunConfig | Sequence[RunConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **extras: Any,
    ) -> list[Any]:
        """Run the tool on each input, several at once in threads, at most `max_concurrency` of the config.

        All run to their end. Then the first error is raised, or, with `return_exceptions`, stands for its result.
        """
        return batch(self, inputs, config, extras, return_exceptions=return_exceptions)

    async def abatch(
        self,
        inputs: Sequence[ToolInput],
        config: RunConfig | Sequence[RunConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **extras: Any,
    ) -> list[Any]:
        """The async twin of `batch`."""
        return await abatch(self, inputs, config, extras, return_exceptions=return_exceptions)

    # --- what it takes ---

    @property
    def tool_call_schema(self) -> ArgsSchema:
        """What a language model is told of the arguments: all but the injected ones."""
        if isinstance(self.args_schema, dict):
            return {**self.args_schema, "description": self.description} if self.description else self.args_schema
        try:
            return self._call_schema
        except AttributeError:
            schema = call_schema(self.name, self.description, self.get_input_schema(), plan_of(self).binder.hidden)
            object.__setattr__(self, "_call_schema", schema)
            return schema

    @property
    def args(self) -> dict[str, Any]:
        """The JSON schema of each argument that a language model is told of."""
        schema = self.tool_call_schema
        properties = (schema if isinstance(schema, dict) else schema.model_json_schema()).get("properties", {})
        return dict(properties)

    @property
    def is_single_input(self) -> bool:
        """Whether there is exactly one argument."""
        return len(self.args.keys() - {"kwargs"}) == 1

    def get_input_schema(self, config: RunConfig | None = None) -> type[BaseModel]:
        """The model of all arguments, injected ones too."""
        if isinstance(self.args_schema, type):
            return self.args_schema
        return create_schema_from_function(self.name, plan_of(self).run.body.function)

    def get_input_jsonschema(self, config: RunConfig | None = None) -> dict[str, Any]:
        """The JSON schema of all arguments, injected ones too."""
        if isinstance(self.args_schema, dict):
            return self.args_schema
        return self.get_input_schema(config).model_json_schema()

    # --- what a subclass may define ---

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        """What the tool does.

        Parameters annotated as callback manager, run manager or `RunConfig` are filled in: see `tools/_injection.py`.
        """
        raise NotImplementedError(f"Tool {self.name!r} is only async.")

    async def _arun(self, *args: Any, **kwargs: Any) -> Any:
        """What the tool does, for async callers; without it they have `_run` in a thread."""
        return await TOOL_POOL.run_in_thread(lambda: self._run(*args, **kwargs))

    def _parse_input(self, tool_input: str | dict[str, Any], tool_call_id: str | None) -> str | dict[str, Any]:
        """Validate the arguments. Override it to do so in another way."""
        args, kwargs = plan_of(self).binder.bind(tool_input, tool_call_id)
        return args[0] if args else kwargs

    # --- how it is run ---

    def _functions(self) -> tuple[Callable[..., Any] | None, Callable[..., Any] | None]:
        """What sync and what async callers run."""
        kind = type(self)
        return (
            self._run if kind._run is not BaseTool._run else None,
            self._arun if kind._arun is not BaseTool._arun else None,
        )

    def _sources(self) -> tuple[Callable[..., Any] | None, Callable[..., Any] | None]:
        """The functions whose signatures say what the arguments are."""
        return self._functions()

    def _bind_with(self, binder: Binder) -> Callable[[str | Arguments, str | None], Bound]:
        """How input becomes arguments."""
        if type(self)._parse_input is BaseTool._parse_input:
            return binder.bind

        def bind(given: str | Arguments, tool_call_id: str | None) -> Bound:
            parsed = self._parse_input(given, tool_call_id)
            return ((), parsed) if isinstance(parsed, dict) else ((parsed,), {})

        return bind

    @property
    def _injected_args_keys(self) -> frozenset[str]:
        """The parameters that the caller fills in, by the signature. Read by agent frameworks."""
        return plan_of(self).binder.injected

    @property
    def policy(self) -> Policy:
        """How the tool is to run."""
        return Policy(**{name: getattr(self, name) for name in _OF_POLICY})

    def _check_policy(self) -> None:
        if self.policy != _USUAL:
            check(self.policy, self.name, has_sync_body=self._functions()[0] is not None)
            check_wishes(self.policy, self.name)
        if self.engine == "processes":
            self._check_body()

    def _check_body(self) -> None:
        """Refuse now what could not be sent to a worker process later."""
        from toolrun.execution.processes import PROCESSES

        if (function := self._functions()[0]) is not None:
            PROCESSES.check(Body(function), self.name)

    def __copy__(self) -> Self:
        copied = super().__copy__()
        object.__setattr__(copied, "_resources", resources_of(self))
        return copied

    def with_options(self, **options: Any) -> Self:
        """The same tool with some fields set anew."""
        if unknown := options.keys() - type(self).model_fields.keys():
            raise TypeError(f"{type(self).__name__} has no option {min(unknown)!r}.")
        copied = self.model_copy()
        for name, value in options.items():
            type(self).__pydantic_validator__.validate_assignment(copied, name, value)
        copied._check_policy()
        return copied

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in _COMPILED:
            for memo in ("_call_schema", "_plan"):
                with suppress(AttributeError):
                    object.__delattr__(self, memo)


_USUAL = Policy(idempotent=True)
_OF_POLICY = tuple(field.name for field in fields(Policy))
_COMPILED = frozenset(
    {
        *("name", "description", "args_schema", "func", "coroutine", "response_format"),
        *("callbacks", "tags", "metadata", "verbose"),
        *_OF_POLICY,
    }
)
"""Fields on which the plan or the schema for calls depends."""


def _check_schema(tool: str, schema: Any) -> None:
    if isinstance(schema, dict):
        from toolrun.tools._json_schema import check_schema

        check_schema(tool, schema)
    elif schema is not None and not (isinstance(schema, type) and issubclass(schema, BaseModel)):
        raise InvalidTool(tool, f"args_schema must be a class of pydantic models or a JSON schema, not {schema!r}.")


def _config(config: RunConfig | None, **given: Any) -> RunConfig:
    """The config with what was given beside it."""
    return {**(config or {}), **{key: value for key, value in given.items() if value is not None}}  # type: ignore[typeddict-item]
