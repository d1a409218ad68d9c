"""Whether a call that requires approval may run, as the command line decides it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from threading import Lock
from typing import Any

MODES = ("ask", "always", "never")

Pause = Callable[[], AbstractContextManager[None]]


class Terminal:
    """The user at the terminal, asked one thing at a time, while nothing else is drawn there.

    Asks the terminal itself, for standard input may be the calls; and reads without a buffer, for a thread that is
    blocked in a buffered read holds up the end of the program.
    """

    def __init__(self) -> None:
        self._asking = Lock()
        self._pause: Pause = nullcontext

    @contextmanager
    def beside(self, pause: Pause) -> Iterator[None]:
        """Have whatever is drawn pause while a question stands."""
        self._pause = pause
        try:
            yield
        finally:
            self._pause = nullcontext

    def ask(self, tool: str, arguments: dict[str, Any]) -> bool | str:
        """Whether the user agrees to the call. In ASCII, so that nothing in the arguments reaches the terminal raw."""
        with self._asking, self._pause():
            answer = _answer_to(f"Run {ascii(tool)[1:-1]} {json.dumps(arguments, default=repr)}? [y/N] ")
        return "nobody answered" if answer is None else answer.strip().lower() in ("y", "yes")

    def is_there(self) -> bool:
        """Whether there is a terminal with a user at it."""
        if sys.stderr is None or not sys.stderr.isatty():
            return False
        with suppress(OSError):
            os.close(_open())
            return True
        return False


TERMINAL = Terminal()


@contextmanager
def approval(mode: str) -> Iterator[None]:
    """Calls of tools that require approval, without saying whose, are asked for at the terminal, or decided at once."""
    from toolrun.execution.approval import ask_at_terminal

    if mode == "ask":
        ask_at_terminal(TERMINAL.ask if TERMINAL.is_there() else None)
    else:
        ask_at_terminal(lambda tool, arguments: mode == "always" or "by --approve never")
    try:
        yield
    finally:
        ask_at_terminal(None)


def _open() -> int:
    return os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)


def _answer_to(question: str) -> str | None:
    """The line that the user types; None if there is none."""
    try:
        terminal = _open()
    except OSError:
        return None
    try:
        os.write(terminal, question.encode())
        line = b""
        while not line.endswith(b"\n"):
            typed = os.read(terminal, 1024)
            if not typed:
                return None
            line += typed
        return line.decode(errors="replace")
    except OSError:  # it has gone
        return None
    finally:
        os.close(terminal)
