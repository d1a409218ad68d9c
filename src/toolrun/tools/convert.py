"""A tool made of anything that has `invoke`, `ainvoke` and an input schema, such as LangChain's runnables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, get_type_hints

from pydantic import BaseModel, RootModel, create_model

from toolrun.callbacks import Callbacks
from toolrun.tools.base import BaseTool
from toolrun.tools.exceptions import InvalidTool
from toolrun.tools.simple import Tool
from toolrun.tools.structured import StructuredTool


class Runnable(Protocol):
    """What can become a tool. `InputType` says the arguments when the schema does not."""

    InputType: Any
    input_schema: type[BaseModel]

    def get_name(self) -> str: ...
    def get_input_jsonschema(self) -> dict[str, Any]: ...
    def with_types(self, *, input_type: Any) -> Any: ...
    def invoke(self, input: Any, config: Any = None) -> Any: ...
    async def ainvoke(self, input: Any, config: Any = None) -> Any: ...


def convert_runnable_to_tool(
    runnable: Runnable,
    args_schema: type[BaseModel] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    arg_types: Mapping[str, Any] | None = None,
) -> BaseTool:
    """Make a tool that passes its arguments on: as one string if that is what is wanted, else as a dict."""
    if args_schema is not None:
        runnable = runnable.with_types(input_type=args_schema)
    name = name or runnable.get_name()
    schema = runnable.get_input_jsonschema()
    description = description or f"Takes {schema}."
    if schema.get("type") == "string":
        return Tool(name, runnable.invoke, description, coroutine=runnable.ainvoke)

    def invoke(callbacks: Callbacks = None, **arguments: Any) -> Any:
        return runnable.invoke(arguments, {"callbacks": callbacks})

    async def ainvoke(callbacks: Callbacks = None, **arguments: Any) -> Any:
        return await runnable.ainvoke(arguments, {"callbacks": callbacks})

    fields = _fields(runnable, schema, name, arg_types)
    return StructuredTool.from_function(invoke, ainvoke, name=name, description=description, args_schema=fields)


def _fields(
    runnable: Runnable, schema: dict[str, Any], name: str, arg_types: Mapping[str, Any] | None
) -> type[BaseModel]:
    model = runnable.input_schema
    if arg_types is None and schema.get("properties") and not issubclass(model, RootModel):
        return model
    if arg_types is None:
        try:
            arg_types = get_type_hints(runnable.InputType)
        except TypeError as error:
            raise InvalidTool(
                name, "its arguments are not known: annotate them as a TypedDict, or pass arg_types."
            ) from error
    fields: dict[str, Any] = {argument: (kind, ...) for argument, kind in arg_types.items()}
    return create_model(name, **fields)
