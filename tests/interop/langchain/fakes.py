"""A model that calls tools as it is told, LangChain's own fake, and an agent around it: nothing leaves the process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

pytest.importorskip("langchain_core")

from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, ToolMessage

Wanted = tuple[str, dict[str, Any]]
"""A tool's name, and the arguments that the model calls it with."""


class ToolCallingModel(FakeMessagesListChatModel):
    """In its first turn it wants the tools called, in its second it is done."""

    def bind_tools(self, tools: Sequence[Any], **options: Any) -> Any:
        return self


def model_wanting(wanted: Iterable[Wanted]) -> ToolCallingModel:
    """A model that wants these calls in one turn; their ids are c0, c1, ..."""
    calls = [
        {"name": name, "args": arguments, "id": f"c{number}", "type": "tool_call"}
        for number, (name, arguments) in enumerate(wanted)
    ]
    return ToolCallingModel(responses=[AIMessage("", tool_calls=calls), AIMessage("done")])


def agent_wanting(wanted: Iterable[Wanted], tools: Sequence[Any], **options: Any) -> Any:
    """An agent of LangChain's with such a model."""
    return pytest.importorskip("langchain.agents").create_agent(model_wanting(wanted), list(tools), **options)


QUESTION = {"messages": [("user", "Go on.")]}


def tool_messages(answer: dict[str, Any]) -> list[ToolMessage]:
    """The answers to the tool calls, in the order of the calls."""
    return [message for message in answer["messages"] if isinstance(message, ToolMessage)]


def tool_call(name: str, **arguments: Any) -> dict[str, Any]:
    """A tool call as a model makes it."""
    return {"type": "tool_call", "name": name, "id": "call-1", "args": arguments}
