"""What can go wrong with a tool. Errors in how it is written are raised when it is made, not when it is called."""

from __future__ import annotations

from typing import TypeGuard

from toolrun.errors import ToolrunError
from toolrun.tools._same_names import means
from toolrun.tools._snapshot import safe_repr


class ToolException(Exception):
    """Raise it in a tool to tell the model what went wrong, without stopping the agent.

    What becomes of it is the tool's `handle_tool_error`.
    """


def is_tool_exception(error: BaseException) -> TypeGuard[ToolException]:
    """Whether a tool raised it to tell the model something; LangChain's class of that name says the same."""
    return means(type(error), ToolException)


class SchemaAnnotationError(ToolrunError, TypeError):
    """A subclass of BaseTool annotates `args_schema` as an instance of a model, where a class is meant."""

    def __init__(self, tool_class: str) -> None:
        self.tool_class = tool_class
        super().__init__(
            f"{tool_class}.args_schema is annotated as a model. Annotate it as a class of models: "
            f"'args_schema: type[BaseModel] = ...'."
        )


class InvalidTool(ToolrunError, TypeError):
    """A tool is not written as it must be."""

    def __init__(self, tool: str, problem: str) -> None:
        self.tool, self.problem = tool, problem
        super().__init__(f"Tool {tool!r}: {problem}")


class MissingDescription(ToolrunError, ValueError):
    """A tool has neither a description nor a docstring, so no model could know when to call it."""

    def __init__(self, tool: str, *, inferred: bool = True) -> None:
        self.tool = tool
        rule = (
            "Function must have a docstring if description not provided"
            if inferred
            else "Function must have either a docstring or description when infer_schema is False"
        )
        super().__init__(f"{rule}: tool {tool!r} has neither.")


class InvalidDocstring(ToolrunError, ValueError):
    """A docstring was to be parsed, and does not describe the parameters."""

    def __init__(self, function: str, problem: str) -> None:
        self.function, self.problem = function, problem
        super().__init__(f"{problem} (the docstring of {function!r}; pass parse_docstring=False to take it as it is).")


class UnresolvedAnnotation(ToolrunError, NameError):
    """An annotation is a string that names something its module does not have."""

    def __init__(self, function: str, parameter: str, annotation: str) -> None:
        self.function, self.parameter, self.annotation = function, parameter, annotation
        super().__init__(
            f"The annotation {annotation!r} of {function}({parameter}) cannot be resolved: define what it names at "
            f"the top level of the module, outside TYPE_CHECKING, or pass args_schema."
        )


class InvalidToolInput(ToolrunError, TypeError):
    """The input of a call is neither a string, nor a dict of arguments, nor a whole tool call."""

    def __init__(self, tool: str, given: object) -> None:
        self.tool, self.given = tool, given
        super().__init__(
            f"Tool {tool!r} expected a string, a dict of arguments or a tool call, "
            f"got {type(given).__name__}: {safe_repr(given)}"
        )


class StringInputRefused(ToolrunError, ValueError):
    """A tool whose arguments are given by a JSON schema was called with a bare string."""

    def __init__(self, tool: str) -> None:
        self.tool = tool
        super().__init__(
            f"String tool inputs are not allowed when using tools with JSON schema args_schema: pass {tool!r} a dict."
        )


class MissingToolCallId(ToolrunError, ValueError):
    """A tool that wants the id of its tool call was called without one."""

    def __init__(self, tool: str, parameter: str) -> None:
        self.tool, self.parameter = tool, parameter
        super().__init__(
            "When tool includes an InjectedToolCallId argument, tool must always be invoked with a full model ToolCall "
            "of the form: {'args': {...}, 'name': '...', 'type': 'tool_call', 'id': '...'}; "
            f"tool {tool!r} wants it as {parameter!r}."
        )


class InvalidOutput(ToolrunError, ValueError):
    """A tool of response_format 'content_and_artifact' did not return a pair."""

    def __init__(self, tool: str, output: object) -> None:
        self.tool, self.output = tool, output
        super().__init__(
            f"Since response_format='content_and_artifact' a two-tuple of the message content and raw tool output is "
            f"expected from tool {tool!r}. Instead, generated response is of type: {type(output)}."
        )
