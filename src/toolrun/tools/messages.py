"""What goes between a model and a tool: the tool call, and the message that answers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NotRequired

from typing_extensions import TypedDict


class ToolCall(TypedDict):
    """A model's wish to have a tool called. `id` is the model's own, and may be used twice."""

    name: str
    args: dict[str, Any]
    id: str | None
    type: NotRequired[Literal["tool_call"]]


class ToolOutputMixin:
    """What a tool returns of this class goes out as it is, never wrapped into a message.

    So does a list of nothing else.
    """

    __slots__ = ()


@dataclass(slots=True)
class ToolMessage(ToolOutputMixin):
    """The answer to a tool call. `artifact` is for the program, the model never sees it."""

    content: str | list[str | dict[str, Any]]
    tool_call_id: str
    name: str | None = None
    status: Literal["success", "error"] = "success"
    artifact: Any = None

    type: ClassVar[Literal["tool"]] = "tool"
