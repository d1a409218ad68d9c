"""Lists that run across the files of a store, newest or oldest first.

A list is ordered by start, then file, then row; a `Place` in it is what a page's `after` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heapreplace
from typing import NamedTuple, Protocol, Self, TypeVar

from toolrun.errors import ToolrunError
from toolrun.store.query._open_files import OpenFile, OpenFiles

LAST_ROW = 2**63 - 1


class Placed(Protocol):
    """Anything that has a place in a list."""

    @property
    def at(self) -> int: ...
    @property
    def file(self) -> int: ...
    @property
    def seq(self) -> int: ...


P = TypeVar("P", bound=Placed)


class BadPlace(ToolrunError, ValueError):
    """What should continue a list was never handed out with one."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(f"{text!r} does not continue a list: pass the `after` of its last page, unchanged.")


class Place(NamedTuple):
    """Where something stands in a list."""

    at: int
    file: int
    seq: int

    @classmethod
    def of(cls, placed: Placed) -> Self:
        """The place of a run."""
        return cls(placed.at, placed.file, placed.seq)

    @classmethod
    def read(cls, text: str) -> Self:
        """The place that `str` wrote; `BadPlace` if it is none."""
        numbers = text.split(".")
        if len(numbers) != 3 or not all(number.isdecimal() and len(number) < 19 for number in numbers):
            raise BadPlace(text)
        return cls(*map(int, numbers))

    def __str__(self) -> str:
        return f"{self.at}.{self.file}.{self.seq}"

    def in_file(self, number: int) -> tuple[int, int]:
        """Start and row in a file: the rows below it follow this place in a list that is newest first."""
        if number == self.file:
            return self.at, self.seq
        return self.at, LAST_ROW if number < self.file else 0


def merged(files: OpenFiles, rows_of: Callable[[OpenFile], Iterator[P]], *, newest_first: bool = True) -> Iterator[P]:
    """What each file gives in order, in the order of all. A file is asked only when the list comes to its first run."""
    sign = -1 if newest_first else 1
    waiting = sorted(_first_starts(files, sign), key=lambda entry: entry[0])
    heads: list[tuple[tuple[int, ...], P, Iterator[P]]] = []
    while waiting or heads:
        while waiting and (not heads or waiting[0][0] <= heads[0][0][0]):
            rows = rows_of(waiting.pop(0)[1])
            if (first := next(rows, None)) is not None:
                heads.append((_key(first, sign), first, rows))
                heapify(heads)
        if heads:
            _, row, rows = heads[0]
            yield row
            following = next(rows, None)
            if following is None:
                heappop(heads)
            else:
                heapreplace(heads, (_key(following, sign), following, rows))


def _first_starts(files: OpenFiles, sign: int) -> Iterator[tuple[int, OpenFile]]:
    for file in files:
        (first,) = file.row(f"SELECT {'max' if sign < 0 else 'min'}(start_us) FROM run")
        if first is not None:
            yield sign * first, file


def _key(placed: Placed, sign: int) -> tuple[int, ...]:
    return sign * placed.at, sign * placed.file, sign * placed.seq
