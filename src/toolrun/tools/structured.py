"""StructuredTool: a tool made of a function, a coroutine function, or both."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Annotated, Any, Generic, Literal

from pydantic import BaseModel, Field, PlainSerializer, SkipValidation
from typing_extensions import ParamSpec, TypeVar

from toolrun.tools._function_tool import FunctionTool
from toolrun.tools._schema import ArgsSchema, create_schema_from_function
from toolrun.tools.exceptions import InvalidTool, MissingDescription

P = ParamSpec("P", default=...)
R = TypeVar("R", default=Any)


def _schema_as_json(schema: ArgsSchema) -> Any:
    if isinstance(schema, dict):
        return schema
    try:
        return schema.model_json_schema()
    except Exception:  # a model that holds what JSON does not know
        return str(schema)


AsSchema = PlainSerializer(_schema_as_json, when_used="json-unless-none")


class StructuredTool(FunctionTool, Generic[P, R]):
    """A function as a tool. Calling it like a function calls that function: no validation, no run, no events."""

    args_schema: Annotated[ArgsSchema | None, SkipValidation(), AsSchema] = Field(description="The tool schema.")

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        function: Any = self.func or self.coroutine
        result: R = function(*args, **kwargs)
        return result

    @classmethod
    def from_function(
        cls,
        func: Callable[P, R] | None = None,
        coroutine: Callable[..., Any] | None = None,
        name: str | None = None,
        description: str | None = None,
        return_direct: bool = False,
        args_schema: ArgsSchema | None = None,
        infer_schema: bool = True,
        *,
        response_format: Literal["content", "content_and_artifact"] = "content",
        parse_docstring: bool = False,
        error_on_invalid_docstring: bool = False,
        **options: Any,
    ) -> StructuredTool[P, R]:
        """Make a tool of a function.

        The description is what is given, else the docstring, else that of `args_schema`; one there must be. Without
        `args_schema` the arguments are those of the function. With `parse_docstring` their descriptions come from
        its docstring, in Google, NumPy or reST style. `options` are other fields of the tool.
        """
        source = func or coroutine
        if source is None:
            raise ValueError("Function and/or coroutine must be provided")
        name = name or getattr(source, "__name__", None)
        if name is None:
            raise InvalidTool(repr(source), "it has no __name__. Pass name.")
        if args_schema is None and infer_schema:
            args_schema = create_schema_from_function(
                name, source, parse_docstring=parse_docstring, error_on_invalid_docstring=error_on_invalid_docstring
            )
        return cls(
            name=name,
            func=func,
            coroutine=coroutine,
            args_schema=args_schema,
            description=description_of(name, source, args_schema, description, parsed=parse_docstring),
            return_direct=return_direct,
            response_format=response_format,
            **options,
        )


def description_of(
    tool: str, function: Callable[..., Any], schema: ArgsSchema | None, given: str | None, *, parsed: bool = False
) -> str:
    """What is given, else the docstring (its first part if it was parsed into `schema`), else what the schema says."""
    if given is not None:
        return given.strip()
    text = None if parsed else _own_docstring(function)
    if text is None and isinstance(schema, dict):
        text = schema.get("description")
    elif text is None and schema is not None:
        text = _own_docstring(schema)
    if text is None and not isinstance(function, type):
        raise MissingDescription(tool)
    return textwrap.dedent(text or "").strip()


def _own_docstring(documented: Any) -> str | None:
    """The docstring, but not one that a class of models inherits from pydantic."""
    text = documented.__doc__
    return None if not text or text is BaseModel.__doc__ else text
