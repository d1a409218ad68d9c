"""from_langchain: any tool of LangChain's as one of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from langchain_core.callbacks import AsyncCallbackManager as TheirAsyncManager
from langchain_core.callbacks import CallbackManager as TheirManager
from langchain_core.tools import FILTERED_ARGS, StructuredTool, Tool
from langchain_core.tools import BaseTool as TheirTool
from langchain_core.tools.base import _handle_tool_error, _handle_validation_error
from pydantic import BaseModel, Field, PrivateAttr, SkipValidation
from pydantic.v1 import ValidationError as OldValidationError

from toolrun.callbacks import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun
from toolrun.interop.langchain._filling import Filling, function_of
from toolrun.interop.langchain._scopes import manager_from
from toolrun.tools import BaseTool, ToolException
from toolrun.tools._answers import UNANSWERED
from toolrun.tools._binding import Arguments, Binder, Bound
from toolrun.tools._schema import ArgsSchema
from toolrun.tools.exceptions import InvalidTool


def from_langchain(tool: TheirTool, **options: Any) -> LangChainTool:
    """A tool of ours that does what a LangChain tool does: with our runs, policy and engines around its body.

    `options` are fields of ours: `timeout`, `retry`, `engine` and the others of `@tool`. LangChain keeps to itself
    what it is good at: it validates the arguments, and fills in its config and run manager.
    """
    if not isinstance(tool, TheirTool):
        raise InvalidTool(repr(tool), f"it is no LangChain tool but of type {type(tool).__qualname__}.")
    own = {name: getattr(tool, name) for name in _SHARED}
    return LangChainTool(**{**own, "held": Held(tool), "handle_tool_error": answering(tool), **options})


class Held:
    """A LangChain tool that is kept."""

    def __init__(self, tool: TheirTool) -> None:
        self._tool = tool

    def __call__(self) -> TheirTool:
        return self._tool


_SHARED = (
    *("name", "description", "return_direct", "verbose", "callbacks", "tags", "metadata", "response_format", "extras"),
    "handle_validation_error",
)


class LangChainTool(BaseTool):
    """A LangChain tool on our road. Its body is LangChain's `_run` or `_arun`, without LangChain's run around it."""

    held: Annotated[Callable[[], TheirTool], SkipValidation()] = Field(exclude=True)
    """Gives the LangChain tool."""
    _fillings: dict[bool, Filling] = PrivateAttr(default_factory=dict)
    """What is filled in for the sync body, and for the async one."""

    @property
    def theirs(self) -> TheirTool:
        """The LangChain tool."""
        return self.held()

    @property
    def tool_call_schema(self) -> ArgsSchema:
        """What LangChain tells a language model of the arguments."""
        return _as_ours(self.theirs.tool_call_schema)

    def get_input_schema(self, config: Any = None) -> type[BaseModel]:
        """LangChain's model of all arguments."""
        schema: Any = self.theirs.get_input_schema(config)
        model: type[BaseModel] = schema
        return model

    def get_input_jsonschema(self, config: Any = None) -> dict[str, Any]:
        """The JSON schema of all arguments."""
        schema: dict[str, Any] = self.theirs.get_input_jsonschema(config)
        return schema

    def _run(self, *args: Any, run_manager: Any = None, **kwargs: Any) -> Any:
        return self._call(False, args, kwargs, run_manager._as(CallbackManagerForLangChain))

    async def _arun(self, *args: Any, run_manager: Any = None, **kwargs: Any) -> Any:
        return await self._call(True, args, kwargs, run_manager._as(AsyncCallbackManagerForLangChain))

    def _call(self, is_async: bool, args: tuple[Any, ...], kwargs: Arguments, run: Any) -> Any:
        theirs = self.theirs
        function, is_plain = function_of(theirs, is_async=is_async)
        filling = self._fillings.get(is_async)
        if filling is None or not filling.is_of(function):
            filling = self._fillings[is_async] = Filling(function)
        filled = filling.filled(kwargs, run, is_plain)
        return function(*args, **filled) if is_plain else function(theirs, *args, **filled)

    def _functions(self) -> tuple[Callable[..., Any] | None, Callable[..., Any] | None]:
        has_sync, has_async = _faces(self.theirs)
        return self._run if has_sync else None, self._arun if has_async else None

    def _sources(self) -> tuple[Callable[..., Any] | None, Callable[..., Any] | None]:
        return _functions_of(self.theirs)

    def _bind_with(self, binder: Binder) -> Callable[[str | Arguments, str | None], Bound]:
        """LangChain binds; our binder only knows what handlers are not shown."""
        binder.hidden = binder.hidden | _hidden(self.theirs)

        def bind(given: str | Arguments, tool_call_id: str | None) -> Bound:
            try:
                bound: Bound = self.theirs._to_args_and_kwargs(given, tool_call_id)
            except OldValidationError as error:
                if not self.handle_validation_error:
                    raise
                raise _OldRefusal(error) from error
            return bound

        return bind


class _OldRefusal(ToolException):
    """Arguments that did not validate by a model of pydantic 1, whose error ours does not know."""


def answering(tool: TheirTool) -> Any:
    """How LangChain answers an error of the tool; True, text and False mean the same here."""
    flag = tool.handle_tool_error
    if isinstance(tool.args_schema, type) and issubclass(tool.args_schema, BaseModel):
        return flag

    def answer(error: ToolException) -> Any:
        if isinstance(error, _OldRefusal):
            return _handle_validation_error(error.args[0], flag=tool.handle_validation_error)  # type: ignore[arg-type]
        return _handle_tool_error(error, flag=flag) if flag else UNANSWERED  # type: ignore[arg-type]

    return answer if tool.handle_validation_error else flag


def _faces(tool: TheirTool) -> tuple[bool, bool]:
    """Whether the tool has a sync body, and an async one."""
    (function, _), (coroutine, _) = function_of(tool, is_async=False), function_of(tool, is_async=True)
    return function is not None, coroutine is not None and coroutine is not TheirTool._arun


def _functions_of(tool: TheirTool) -> tuple[Callable[..., Any] | None, Callable[..., Any] | None]:
    """The functions whose annotations say what is injected."""
    if isinstance(tool, StructuredTool | Tool):
        return tool.func, tool.coroutine
    return tool._run, tool._arun if type(tool)._arun is not TheirTool._arun else None


def _hidden(tool: TheirTool) -> frozenset[str]:
    """The arguments that LangChain shows to nobody."""
    return frozenset((*FILTERED_ARGS, *tool._injected_args_keys))


def _as_ours(schema: Any) -> ArgsSchema:
    """A model of pydantic 1 becomes its JSON schema."""
    is_ours = isinstance(schema, dict) or issubclass(schema, BaseModel)
    ours: ArgsSchema = schema if is_ours else schema.schema()
    return ours


class CallbackManagerForLangChain(CallbackManagerForToolRun):
    """Our run manager, whose children are LangChain's."""

    __slots__ = ()

    def get_child(self, tag: str | None = None) -> Any:
        return manager_from(self.child_scope(tag), TheirManager)


class AsyncCallbackManagerForLangChain(AsyncCallbackManagerForToolRun):
    """The async twin."""

    __slots__ = ()

    def get_child(self, tag: str | None = None) -> Any:
        return manager_from(self.child_scope(tag), TheirAsyncManager)

    def get_sync(self) -> CallbackManagerForLangChain:
        face: CallbackManagerForLangChain = self._as(CallbackManagerForLangChain)
        return face
