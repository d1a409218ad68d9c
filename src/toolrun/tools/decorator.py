"""`@tool`: a function becomes a tool.

    @tool
    @tool("search")
    @tool(parse_docstring=True, handle_tool_error=True)
    tool(function, ...)
    tool("search", function, ...)

Functions, coroutine functions, generators and async generators will do, and so will classes and other callables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Protocol, TypeVar, overload

from typing_extensions import TypedDict, Unpack

if TYPE_CHECKING:  # a decorator is imported by every module with tools: what it needs comes with the first tool
    from toolrun.callbacks import Callbacks
    from toolrun.execution.cache import Cache
    from toolrun.execution.engine import EngineName
    from toolrun.execution.policy import Approval
    from toolrun.execution.retry import Retry
    from toolrun.tools._answers import ToolErrorHandler, ValidationErrorHandler
    from toolrun.tools._schema import ArgsSchema
    from toolrun.tools.base import BaseTool
    from toolrun.tools.simple import Tool
    from toolrun.tools.structured import StructuredTool

P = ParamSpec("P")
R = TypeVar("R")


class ToolOptions(TypedDict, total=False):
    """What `@tool` takes: how the schema is made, and the fields of the tool (`BaseTool` says what they mean)."""

    description: str | None
    args_schema: ArgsSchema | None
    parse_docstring: bool
    """Take descriptions of the arguments from the docstring, in Google, NumPy or reST style."""
    error_on_invalid_docstring: bool
    """Refuse a docstring that is to be parsed and describes no arguments. On by default."""
    return_direct: bool
    verbose: bool
    callbacks: Callbacks
    tags: Sequence[str] | None
    metadata: dict[str, Any] | None
    handle_tool_error: ToolErrorHandler
    handle_validation_error: ValidationErrorHandler
    response_format: Literal["content", "content_and_artifact"]
    extras: dict[str, Any] | None
    engine: EngineName | None
    timeout: float | None
    retry: Retry | int | None
    max_concurrency: int | None
    rate_limit: float | None
    cache: Cache | float | bool | None
    memory_limit: int | None
    requires_approval: Approval | None
    idempotent: bool


class ToolDecorator(Protocol):
    """Makes a tool of a function and keeps its signature."""

    def __call__(self, function: Callable[P, R], /) -> StructuredTool[P, R]: ...


class SimpleToolDecorator(Protocol):
    """Makes a tool of a function of one argument, without a schema."""

    def __call__(self, function: Callable[..., Any], /) -> Tool: ...


@overload
def tool(function: Callable[P, R], /, **options: Unpack[ToolOptions]) -> StructuredTool[P, R]: ...
@overload
def tool(name: str, function: Callable[P, R], /, **options: Unpack[ToolOptions]) -> StructuredTool[P, R]: ...
@overload
def tool(
    name: str | None = None, /, *, infer_schema: Literal[False], **options: Unpack[ToolOptions]
) -> SimpleToolDecorator: ...
@overload
def tool(
    name: str | None = None, /, *, infer_schema: Literal[True] = True, **options: Unpack[ToolOptions]
) -> ToolDecorator: ...


def tool(name: Any = None, function: Any = None, /, *, infer_schema: bool = True, **options: Any) -> Any:
    """Make a tool of a function; its docstring tells the model when to use it.

    With `infer_schema=False` and no `args_schema`, the tool takes one argument and has no schema.
    """
    from toolrun.tools._make import make_tool
    from toolrun.tools.exceptions import InvalidTool

    _check_options(options)
    if callable(name):
        name, function = None, name
    if name is not None and not isinstance(name, str):
        raise InvalidTool(repr(name), "the first argument of tool must be a string or a callable.")

    def make(function: Any) -> BaseTool:
        return make_tool(name, function, infer_schema, options)

    return make if function is None else make(function)


def _check_options(options: dict[str, Any]) -> None:
    for option in options:
        if option not in ToolOptions.__annotations__:
            from difflib import get_close_matches

            nearest = get_close_matches(option, ToolOptions.__annotations__, 1)
            hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
            raise TypeError(f"tool has no option {option!r}.{hint}")
