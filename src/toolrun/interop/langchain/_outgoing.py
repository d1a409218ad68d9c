"""to_langchain: any tool of ours as one of LangChain's, for agents of LangChain and LangGraph."""

from __future__ import annotations

from typing import Annotated, Any

from langchain_core.tools import BaseTool as TheirTool
from langchain_core.tools.base import _format_output
from pydantic import Field, SkipValidation

from toolrun.errors import is_control_flow
from toolrun.interop._agents import check_tool, said_of
from toolrun.interop.langchain import _road
from toolrun.tools import BaseTool


def to_langchain(tool: BaseTool, *, raise_errors: bool = False) -> ToolrunTool:
    """A LangChain tool that runs one of ours: on our road, with its policy and engine, told to LangChain's handlers.

    A tool call gets a `ToolMessage`. If the tool fails, is denied or does not finish in time, the message says so, with
    `status="error"`: an agent goes on, and the other calls of the turn keep their results. With `raise_errors` the
    exception is raised instead, for agents that handle it themselves (`ToolNode(handle_tool_errors=...)`), and so it
    always is where there is no tool call to answer, and for LangGraph's interrupts.
    """
    check_tool(tool)
    schema = tool.args_schema
    if schema is None:
        schema = tool.tool_call_schema if tool.args else None
    return ToolrunTool(
        name=tool.name,
        description=tool.description,
        args_schema=schema,
        return_direct=tool.return_direct,
        response_format=tool.response_format,
        tags=tool.tags,
        metadata=tool.metadata,
        extras=tool.extras,
        ours=tool,
        raise_errors=raise_errors,
    )


class ToolrunTool(TheirTool):
    """One of our tools in LangChain's form."""

    ours: Annotated[Any, SkipValidation()] = Field(exclude=True)
    """The tool of ours."""
    raise_errors: bool = False
    """Whether an error reaches the agent as an exception, and not as the answer to its call."""

    @property
    def tool_call_schema(self) -> Any:
        """What a language model is told of the arguments."""
        return self.ours.tool_call_schema

    @property
    def args(self) -> dict[str, Any]:
        """The JSON schema of each argument that a language model is told of."""
        args: dict[str, Any] = self.ours.args
        return args

    @property
    def _injected_args_keys(self) -> frozenset[str]:
        keys: frozenset[str] = self.ours._injected_args_keys
        return keys

    def get_input_schema(self, config: Any = None) -> Any:
        """The model of all arguments, injected ones too."""
        if isinstance(self.args_schema, dict):
            return super().get_input_schema(config)
        return self.ours.get_input_schema()

    def run(self, tool_input: Any, *args: Any, **keywords: Any) -> Any:
        """Run the tool."""
        keywords = keywords_of(args, keywords)
        try:
            return _road.run(self, self.ours, tool_input, keywords)
        except Exception as error:
            return self._answer(error, keywords.get("tool_call_id"))

    async def arun(self, tool_input: Any, *args: Any, **keywords: Any) -> Any:
        """The async twin of `run`."""
        keywords = keywords_of(args, keywords)
        try:
            return await _road.arun(self, self.ours, tool_input, keywords)
        except Exception as error:
            return self._answer(error, keywords.get("tool_call_id"))

    def _answer(self, error: Exception, tool_call_id: str | None) -> Any:
        if self.raise_errors or tool_call_id is None or is_control_flow(error):
            raise error
        return _format_output(said_of(error), None, tool_call_id, self.name, "error")

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{self.name!r} runs on toolrun's road: call invoke or run.")


_POSITIONAL = ("verbose", "start_color", "color", "callbacks")


def keywords_of(args: tuple[Any, ...], keywords: dict[str, Any]) -> dict[str, Any]:
    """What was given to `run`, by keyword."""
    return {**dict(zip(_POSITIONAL, args, strict=False)), **keywords}
