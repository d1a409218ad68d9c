"""What can go wrong when recorded results are served, and recorded errors as exceptions again."""

from __future__ import annotations

import sys
from ast import literal_eval
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from toolrun.errors import ToolrunError
from toolrun.execution.processes.errors import RemoteError
from toolrun.run import RunStatus, status_of


class ReplayError(ToolrunError, RuntimeError):
    """The base of what can go wrong with a replay."""


class ReplayDiverged(ReplayError):
    """The program called its tools otherwise than when it was recorded."""

    def __init__(self, what: str, details: str = "") -> None:
        self.what, self.details = what, details
        super().__init__(f"The replay has diverged: {what}{details and f'{chr(10)}{chr(10)}{details}'}")


class CannotReplay(ReplayError):
    """A recorded call has no result that could be served."""

    def __init__(self, tool: str, run: str, why: str, remedy: str) -> None:
        self.tool, self.run, self.why, self.remedy = tool, run, why, remedy
        super().__init__(f"The call of {tool!r} (run {run}) cannot be replayed: {why}. {remedy}.")


class DamagedCassette(ReplayError, ValueError):
    """A line of a cassette tells of no run."""

    def __init__(self, path: Path, line: int, why: str) -> None:
        self.path, self.line, self.why = path, line, why
        super().__init__(f"{path}:{line}: {why} Take the cassette from version control, or record it anew.")


class AlreadyReplaying(ReplayError):
    """A second replay was begun in the same process."""

    def __init__(self) -> None:
        super().__init__("A replay serves every tool of the process, so there can be but one at a time: end it first.")


def revived(error: dict[str, str], status: RunStatus) -> BaseException:
    """The recorded error as an exception, of its class if that is known here; else as one that tells of it."""
    kind, message = error.get("type", "Error"), error.get("message", "")
    for found in _classes(error.get("module", "builtins"), kind):
        for argument in _arguments(message):
            exception = _made(found, argument, message)
            if exception is not None and _has(exception, status):
                return exception
    remote = RemoteError(kind, message, error.get("traceback", ""))
    remote.run_status = status  # type: ignore[attr-defined]
    return remote


def _classes(module: str, kind: str) -> Iterator[type[BaseException]]:
    """The class of this name, if its module is imported; else one of toolrun, which may have moved."""
    found: list[Any] = [_named(sys.modules.get(module), kind)]
    found += [each for each in _below(ToolrunError) if each.__qualname__ == kind]
    yield from (each for each in found if isinstance(each, type) and issubclass(each, BaseException))


def _named(module: Any, name: str) -> Any:
    for part in name.split("."):
        module = getattr(module, part, None)
    return module


def _below(kind: type[BaseException]) -> Iterator[type[BaseException]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


def _arguments(message: str) -> Iterator[Any]:
    yield message
    try:
        yield literal_eval(message)  # a KeyError shows the repr of its key
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return


def _made(kind: type[BaseException], argument: Any, message: str) -> BaseException | None:
    """An exception of the class that says the message; made without its constructor, which may want other things."""
    try:
        exception = kind.__new__(kind, argument)
        exception.args = (argument,)
        return exception if str(exception) == message else None
    except Exception:
        return None


def _has(exception: BaseException, status: RunStatus) -> bool:
    """Whether a run that ends by the exception has the status, or can be told to have it."""
    if status_of(exception) is not status:
        try:
            exception.run_status = status  # type: ignore[attr-defined]
        except AttributeError:
            return False
    return status_of(exception) is status
