"""What a tool says it returns, by its return annotation: the `outputSchema`, and values that keep to it.

MCP wants a JSON object. What is none by its annotation, a list or a number say, travels in an object of one
property, `result`, as in the official SDK. A tool that returns plain text, or says nothing, has no schema.
"""

from __future__ import annotations

import inspect
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, create_model
from pydantic.errors import PydanticUserError

from toolrun._signature import Kind, Signature
from toolrun.tools import BaseTool, ToolOutputMixin

WRAPPED = "result"
_SAYS_NOTHING = (inspect.Parameter.empty, inspect.Signature.empty, None, type(None), Any, object, str, bytes)


class Output:
    """A return annotation, as JSON schema and as serializer."""

    def __init__(self, annotation: Any) -> None:
        own: TypeAdapter[Any] = TypeAdapter(annotation)
        self.schema = own.json_schema(mode="serialization")
        self.is_wrapped = self.schema.get("type") != "object"
        self._adapter = own
        if self.is_wrapped:
            self.schema = create_model("Output", result=(annotation, ...)).model_json_schema(mode="serialization")

    def structured(self, value: Any) -> dict[str, Any]:
        """The value as the JSON object that the schema describes; `ValidationError` if it is not what was said."""
        made = self._adapter.dump_python(self._adapter.validate_python(value), mode="json", by_alias=True)
        return {WRAPPED: made} if self.is_wrapped else made


def output_of(tool: BaseTool) -> Output | None:
    """What the tool says it returns; None if it does not say, or what cannot be said in JSON."""
    function = next(filter(None, tool._sources()), None)
    if function is None or tool.response_format != "content":
        return None
    signature = Signature(function)
    annotation = signature.returns
    if signature.kind in (Kind.GENERATOR, Kind.ASYNC_GENERATOR) or _says_nothing(annotation):
        return None
    try:
        return Output(annotation)
    except (PydanticUserError, NameError, TypeError):  # of no schema, or of a name that is not there
        return None


def _says_nothing(annotation: Any) -> bool:
    if isinstance(annotation, str) or annotation in _SAYS_NOTHING:
        return True
    return any(map(_is_content, (annotation, *get_args(annotation))))


def _is_content(kind: Any) -> bool:
    """Whether values of the class are answers already, or parts of one."""
    if not isinstance(kind, type):
        return False
    return issubclass(kind, ToolOutputMixin) or (
        issubclass(kind, BaseModel) and kind.__module__.startswith("mcp_types")
    )
