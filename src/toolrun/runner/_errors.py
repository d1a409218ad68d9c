"""What can go wrong before a tool is reached, and every error as the record that a result shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from toolrun.errors import ToolrunError
from toolrun.execution.processes.errors import RemoteError
from toolrun.run import RunStatus, status_of
from toolrun.runner._json import safe_repr, safe_str

NO_FACTORY = "A function given as the tools is called as their factory; with @tool on it, it is a tool."


class UnknownTool(ToolrunError, LookupError):
    """A call names a tool that is not there."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name, self.known = name, sorted(known)
        super().__init__(f"no tool is named {name!r}. {self._hint()}")

    def _hint(self) -> str:
        from difflib import get_close_matches

        lowered = {each.lower(): each for each in self.known}
        near = [lowered[match] for match in get_close_matches(self.name.lower(), lowered, n=3)]
        if near:
            return f"Nearest: {', '.join(near)}."
        if not self.known:
            return "There are no tools."
        more = ", ..." if len(self.known) > 8 else ""
        return f"There are: {', '.join(self.known[:8])}{more}."


class InvalidArguments(ToolrunError, TypeError):
    """A call's arguments are no JSON object, so there is nothing to match with parameters."""

    def __init__(self, name: str, arguments: Any) -> None:
        self.name, self.arguments = name, arguments
        came = shortened(safe_repr(arguments))
        super().__init__(f"the arguments of {name!r} must be a JSON object; came {came} ({type(arguments).__name__})")


class NoCalls(ToolrunError, TypeError):
    """A runner was given one thing where it takes many."""

    def __init__(self, calls: Any) -> None:
        self.calls = calls
        came = shortened(safe_repr(calls), 60)
        super().__init__(f"a runner takes many calls; {came} ({type(calls).__name__}) is not a list: put it into one")


class NotATool(ToolrunError, TypeError):
    """Something that was to be a tool, or tools, is neither."""


class SessionFailed(ToolrunError, RuntimeError):
    """The factory could not make a session's tools."""

    def __init__(self, session: Any, cause: BaseException) -> None:
        self.session, self.cause = session, cause
        self.run_status = status_of(cause) if isinstance(cause, ToolrunError) else RunStatus.ERROR
        hint = f". {NO_FACTORY}" if isinstance(cause, NotATool) else ""
        super().__init__(f"the tools of session {session!r} could not be made: {described(cause)}{hint}")


def error_record(error: BaseException) -> dict[str, str]:
    """The `error` of a result line: its type, and a message that a person and a model can act on."""
    if isinstance(error, RemoteError):  # it stands for another, which had to stay in its worker
        return {"type": error.type_name.rpartition(".")[2], "message": error.message}
    return {"type": type(error).__name__, "message": _message(error)}


def _message(error: BaseException) -> str:
    details = getattr(error, "errors", None)
    if type(error).__name__ == "ValidationError" and callable(details):
        try:
            return "; ".join(_field(detail) for detail in details())
        except Exception:  # another library's class of this name
            return safe_str(error)
    return safe_str(error)


def _field(detail: dict[str, Any]) -> str:
    """One fault that pydantic found: field, what was expected, what came."""
    field = ".".join(map(str, detail["loc"])) or "arguments"
    if detail["type"] == "missing":
        return f"{field}: required, but missing"
    came = detail["input"]
    return f"{field}: {detail['msg']}; came {shortened(safe_repr(came))} ({type(came).__name__})"


def described(error: BaseException) -> str:
    """An exception in one line."""
    message = safe_str(error)
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def shortened(text: str, width: int = 120) -> str:
    """Text that a terminal can show."""
    return text if len(text) <= width else f"{text[: width - 3]}..."
