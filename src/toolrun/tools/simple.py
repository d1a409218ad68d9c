"""Tool: a function of one argument, without a schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from toolrun.tools._binding import Arguments, Binder, Bound
from toolrun.tools._function_tool import FunctionTool
from toolrun.tools._schema import ArgsSchema
from toolrun.tools.exceptions import ToolException


class Tool(FunctionTool):
    """A function that takes one argument, usually a string, and has no schema unless it is given one."""

    def __init__(self, name: str, func: Callable[..., Any] | None, description: str, **kwargs: Any) -> None:
        super().__init__(name=name, func=func, description=description, **kwargs)

    @property
    def args(self) -> dict[str, Any]:
        """The JSON schema of the argument."""
        return super().args if self.args_schema is not None else {"tool_input": {"type": "string"}}

    def _bind_with(self, binder: Binder) -> Callable[[str | Arguments, str | None], Bound]:
        bind = super()._bind_with(binder)

        def bind_one(given: str | Arguments, tool_call_id: str | None) -> Bound:
            args, kwargs = bind(given, tool_call_id)
            values = (*args, *kwargs.values())
            if len(values) != 1:
                raise ToolException(
                    f"Too many arguments to single-input tool {self.name}. Consider using StructuredTool instead. "
                    f"Args: {list(values)}"
                )
            return values, {}

        return bind_one

    @classmethod
    def from_function(
        cls,
        func: Callable[..., Any] | None,
        name: str,
        description: str,
        return_direct: bool = False,
        args_schema: ArgsSchema | None = None,
        coroutine: Callable[..., Any] | None = None,
        **options: Any,
    ) -> Tool:
        """Make a tool of a function of one argument. `options` are other fields of the tool."""
        if func is None and coroutine is None:
            raise ValueError("Function and/or coroutine must be provided")
        return cls(
            name=name,
            func=func,
            coroutine=coroutine,
            description=description,
            return_direct=return_direct,
            args_schema=args_schema,
            **options,
        )
