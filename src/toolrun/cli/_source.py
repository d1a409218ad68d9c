"""CALLS on the command line: a file of JSON lines, read off the loop and no further than needed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import FileIO
from pathlib import Path
from typing import Self

from toolrun._offload import HANDLER_POOL
from toolrun.cli._errors import Unusable
from toolrun.cli._stdin import StandardInput
from toolrun.runner._reading import Item, items_of, malformed
from toolrun.runner.result import CallResult
from toolrun.tools.formats import MalformedCall, loads

CHUNK = 1 << 16


class CallsFile:
    """The calls in a file; a line that cannot be read becomes a result that says where and why.

    Reads without a buffer: a thread that is blocked in a buffered standard input holds a lock that the interpreter
    wants at exit.
    """

    def __init__(self, path: str, format: str) -> None:
        self.name = "standard input" if path == "-" else path
        self._format = format
        self._file = _open(path)
        self._lines_ahead = None if path == "-" else _count_lines(path)
        self._begun: list[bytes] = []  # pieces of a line that has no end yet
        self.lines = self.calls = self.malformed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()

    @property
    def expected_calls(self) -> int | None:
        """How many calls there are: known when all is read, estimated from the lines before, None for a stream."""
        if self._lines_ahead is None:
            return None
        ahead = max(0, self._lines_ahead - self.lines)
        return self.calls + self.malformed + round(ahead * (self.calls / self.lines if self.lines else 1))

    async def items(self) -> AsyncIterator[Item]:
        """What each line asks for, in order."""
        while (items := await HANDLER_POOL.run_in_thread(self._next_items)) is not None:
            for item in items:
                yield item

    def _next_items(self) -> list[Item] | None:
        """The items of the next chunk, as much as there is now; None at the end."""
        chunk = self._file.read(CHUNK)
        if not chunk and not self._begun:
            return None
        return [item for line in self._lines_ended_by(chunk or b"\n") for item in self._items_in(line)]

    def _lines_ended_by(self, chunk: bytes) -> list[bytes]:
        """The lines that end in the chunk; pieces of a longer one are joined once, when its end has come."""
        *lines, begun = chunk.split(b"\n")
        if lines:
            lines[0] = b"".join((*self._begun, lines[0]))
            self._begun.clear()
        if begun:
            self._begun.append(begun)
        return lines

    def _items_in(self, line: bytes) -> list[Item]:
        self.lines += 1
        if self.lines == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line.strip():
            return []
        where = f"{self.name}:{self.lines}: "
        try:
            items = items_of(loads(line), self._format, where)
        except UnicodeDecodeError:
            items = [malformed(MalformedCall("not UTF-8"), where)]
        except ValueError as error:
            items = [malformed(MalformedCall(f"not JSON: {error}"), where)]
        bad = sum(isinstance(item, CallResult) for item in items)
        self.malformed += bad
        self.calls += len(items) - bad
        return items


def _open(path: str) -> FileIO:
    try:
        return StandardInput() if path == "-" else FileIO(path)
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror}.") from None


def _count_lines(path: str) -> int | None:
    """How many lines a regular file has; None for a pipe or a terminal, which can be read only once."""
    if not Path(path).is_file():
        return None
    with open(path, "rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
