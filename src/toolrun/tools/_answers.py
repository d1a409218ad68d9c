"""What a tool answers when something went wrong: the content that stands for an error, or the error itself.

handle_tool_error           False: raise   True: the message of a ToolException, a timeout, a crash or a denial
                            str: this text, for the same
                            callable: what it makes of a ToolException
                            exception types: the message of any of these (never of control flow, such as an interrupt)
handle_validation_error     False: raise   True: a fixed text   str: this text   callable: what it makes of the error
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from pydantic_core import ValidationError

from toolrun.errors import is_control_flow
from toolrun.execution.errors import SessionLost, ToolDenied, ToolTimeout, WorkerCrashed
from toolrun.tools.exceptions import ToolException, is_tool_exception

Said = str | Sequence[str | dict[str, Any]]
"""Text, or content blocks."""

ToolErrorHandler = bool | str | type[Exception] | tuple[type[Exception], ...] | Callable[[ToolException], Said] | None
ValidationErrorHandler = bool | str | Callable[[ValidationError], str] | None

UNANSWERED: Final[Any] = object()
"""Says that an error is to be raised again: not here, or its traceback would hold a frame that holds the error."""


def answer_tool_error(error: Exception, handler: ToolErrorHandler) -> Any:
    """The content that answers an error of the body, or `UNANSWERED`."""
    if is_control_flow(error):
        return UNANSWERED
    if isinstance(handler, type | tuple):
        if isinstance(error, handler):
            return _message(error)
        return UNANSWERED
    if isinstance(handler, bool | str) and handler and isinstance(error, _STOPPED):
        return str(error) if handler is True else handler
    if not handler or not is_tool_exception(error):
        return UNANSWERED
    if handler is True:
        return error.args[0] if error.args else "Tool execution error"
    return handler if isinstance(handler, str) else handler(error)


def answer_validation_error(error: ValidationError, handler: ValidationErrorHandler) -> Any:
    """The content that answers arguments that did not validate, by the same rules."""
    if not handler:
        return UNANSWERED
    if handler is True:
        return "Tool input validation error"
    return handler if isinstance(handler, str) else handler(error)


_STOPPED = (ToolTimeout, WorkerCrashed, SessionLost, ToolDenied)


def _message(error: Exception) -> Any:
    if is_tool_exception(error) and error.args:
        return error.args[0]
    return f"{type(error).__name__}: {error}"
