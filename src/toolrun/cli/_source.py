"""CALLS on the command line: a file of JSON lines, read off the loop and no further than needed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import blake2b
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

    Each call of a file knows its place, by which a batch that was cut short can be resumed: the digest of the file, the
    line, and which of the line's calls it is.

    Reads without a buffer: a thread that is blocked in a buffered standard input holds a lock that the interpreter
    wants at exit.
    """

    def __init__(self, path: str, format: str) -> None:
        self.name = "standard input" if path == "-" else path
        self._format = format
        self._file = _open(path)
        measured = None if path == "-" else _measure(path)
        self._lines_ahead = measured and measured[0]
        self.digest = measured and measured[1]
        self.batch: str | None = None
        """The name of the batch that the calls are recorded as."""
        self._begun: list[bytes] = []  # pieces of a line that has no end yet
        self.lines = self.calls = self.malformed = 0
        self.skipped = 0
        """Calls that give no result, for they have one."""

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
        return (
            self.calls + self.malformed - self.skipped + round(ahead * (self.calls / self.lines if self.lines else 1))
        )

    def rewind(self) -> None:
        """Begin anew with the first line."""
        self._file.seek(0)
        self._begun.clear()
        self.lines = self.calls = self.malformed = 0

    async def items(self) -> AsyncIterator[Item]:
        """What each line asks for, in order."""
        while (items := await HANDLER_POOL.run_in_thread(self.next_items)) is not None:
            for item in items:
                yield item

    def next_items(self) -> list[Item] | None:
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
        return [self._placed(item, number) for number, item in enumerate(items)]

    def _placed(self, item: Item, number: int) -> Item:
        """The item with its place in the file, and an id by it if it has none."""
        if isinstance(item, CallResult):
            self.malformed += 1
            return item
        position = self.calls + self.malformed
        self.calls += 1
        mark = {"batch": self.batch, "line": self.lines, **({"call": number} if number else {})}
        id = f"call-{position + 1}" if item.id is None else item.id
        return replace(item, id=id, metadata={"toolrun": mark} if self.batch else None)


def _open(path: str) -> FileIO:
    try:
        return StandardInput() if path == "-" else FileIO(path)
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror}.") from None


def _measure(path: str) -> tuple[int, str] | None:
    """How many lines a regular file has, and its digest; None for a pipe or a terminal, which can be read only once."""
    if not Path(path).is_file():
        return None
    lines, digest = 0, blake2b(digest_size=16)
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            lines += chunk.count(b"\n")
            digest.update(chunk)
    return lines, digest.hexdigest()
