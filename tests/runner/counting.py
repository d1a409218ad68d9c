"""Tools that double, count and fail, and calls of them, for the tests of runners."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from toolrun import CallRequest, CallResult


def call(name: str, session: str | None = None, id: str | None = None, /, **arguments: Any) -> CallRequest:
    return CallRequest(name, arguments, id, session)


def lines(results: list[CallResult]) -> list[dict[str, Any]]:
    return [json.loads(result.line) for result in results]


def double(x: int) -> int:
    """Double it."""
    return 2 * x


async def adouble(x: int) -> int:
    """Double it."""
    await asyncio.sleep(0)
    return 2 * x


def count_up(to: int) -> Iterator[int]:
    """Count; the last number is the result."""
    yield from range(1, to + 1)


async def acount_up(to: int) -> AsyncIterator[int]:
    """Count; the last number is the result."""
    for number in range(1, to + 1):
        yield number


def fail(kind: str) -> None:
    """Raise whatever is asked for."""
    raise {"SystemExit": SystemExit(3), "KeyboardInterrupt": KeyboardInterrupt(), "ValueError": ValueError("bad")}[kind]


async def afail(kind: str) -> None:
    """Raise whatever is asked for."""
    fail(kind)


class Counter:
    """Tools with state: whoever calls them in the wrong order or on the wrong counter can tell."""

    def __init__(self, session: Any = None) -> None:
        self.session, self.numbers = session, []

    def add(self, number: int) -> list[int]:
        """Add a number; gives the state itself, not a copy."""
        self.numbers.append(number)
        return self.numbers

    async def aadd(self, number: int) -> list[int]:
        """Add a number, after others have had their chance to be first."""
        await asyncio.sleep(0)
        return self.add(number)
