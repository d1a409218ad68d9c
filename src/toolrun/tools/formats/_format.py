"""What a format is: how it lists tools, and how it reads calls from a model's messages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from toolrun.errors import ToolrunError

if TYPE_CHECKING:
    from toolrun.tools.base import BaseTool

Message = Mapping[str, Any]
Schema = dict[str, Any]


class MalformedCall(ToolrunError, ValueError):
    """Something that should hold tool calls cannot be read as such."""


@dataclass(frozen=True, slots=True)
class CallRequest:
    """One tool call as it was asked for: nothing in it has been checked against a tool.

    `arguments` is a dict, unless the model wrote something else: then it is what the model wrote.
    """

    name: str
    arguments: Any
    id: str | int | None = None
    session: str | int | None = None
    position: int = field(default=0, compare=False)
    """Its place among the calls that were read together."""
    metadata: Mapping[str, Any] | None = field(default=None, compare=False)
    """What the metadata of its run says beside the runner's."""


class Format(Protocol):
    """One way to write tools and calls, `name` on the command line."""

    name: str

    def read(self, message: Message) -> list[CallRequest] | None:
        """The calls of a message, in order; None if the message is not of this format. Raises `MalformedCall`."""

    def describe(self, tool: BaseTool) -> Schema:
        """One tool, as this format declares it to a model."""

    def listing(self, tools: Iterable[BaseTool]) -> Any:
        """Many tools, as the format's request takes them."""


def arguments_from(written: Any) -> Any:
    """Arguments as a dict. Some models send them as JSON in a string, some send nothing when there are none."""
    if written is None or written == "":
        return {}
    if not isinstance(written, str):
        return written
    try:
        return loads(written)
    except ValueError:
        return written


def name_in(entry: Any, where: str) -> str:
    """The tool's name in the part of a message that asks for one call."""
    name = entry.get("name") if isinstance(entry, Mapping) else None
    if not isinstance(name, str) or not name:
        raise MalformedCall(f"{where} names no tool")
    return name


def entries(value: Any, where: str) -> Sequence[Any]:
    """A list in a message; None is an empty one, as some providers write it."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise MalformedCall(f"{where} is {type(value).__name__}, not a list")
    return value


def loads(text: str | bytes) -> Any:
    """JSON as it stands: integers of any size stay exact, and NaN is refused."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def parameters_of(tool: BaseTool) -> Schema:
    """The JSON schema of what a model may pass, without the titles that pydantic derives from names."""
    schema = tool.tool_call_schema
    whole = dict(schema) if isinstance(schema, Mapping) else schema.model_json_schema()
    whole.pop("description", None)  # the tool's own, which every format has in a place of its own
    written: Schema = _without_titles(whole)
    written.setdefault("type", "object")
    written.setdefault("properties", {})
    return written


def _without_titles(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {key: _cleaned(key, value) for key, value in schema.items() if key != "title" or not isinstance(value, str)}


def _cleaned(key: str, value: Any) -> Any:
    """Names in these are the user's own: one of them may be `title`. Values in those are data, not schemas."""
    if key in ("properties", "$defs", "definitions", "patternProperties"):
        return {name: _without_titles(schema) for name, schema in value.items()}
    return value if key in ("default", "const", "enum", "examples", "required") else _without_titles(value)
