"""Large values as JSON, piece by piece: no step of it keeps the interpreter, and thereby the event loop, for long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson

from toolrun.handlers._weight import weighs_over
from toolrun.store._encode import encode, json_form, message_form

PIECE = 64 * 1024
_ITEMS = 256  # of a container, encoded together if they are small
_DEEPEST = 100


class Pieces:
    """The JSON of one value. Iterating gives its bytes; then `exact` says whether they say all of it."""

    def __init__(self, value: Any) -> None:
        self._value = value
        self.exact = True

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._of(self._value, 0):
            yield piece
            time.sleep(0)

    def _of(self, value: Any, depth: int) -> Iterator[bytes]:
        if depth > _DEEPEST or not weighs_over(value, PIECE):
            yield self._encoded(value)
        elif isinstance(value, str):
            yield from self._of_text(value)
        elif isinstance(value, dict):
            yield from self._of_dict(value, depth + 1)
        elif isinstance(value, list | tuple):
            yield from self._of_list(value, depth + 1)
        else:
            yield from self._of_other(value, depth + 1)

    def _encoded(self, value: Any) -> bytes:
        encoded, exact = encode(value)
        self.exact = self.exact and exact
        return encoded

    def _of_text(self, text: str) -> Iterator[bytes]:
        yield b'"'
        for begin in range(0, len(text), PIECE):
            yield self._encoded(text[begin : begin + PIECE])[1:-1]
        yield b'"'

    def _of_list(self, items: Any, depth: int) -> Iterator[bytes]:
        separator = b"["
        for begin in range(0, len(items), _ITEMS):
            some = items[begin : begin + _ITEMS]
            if not weighs_over(some, PIECE):
                yield separator + self._encoded(list(some))[1:-1]
                separator = b","
                continue
            for item in some:
                yield separator
                yield from self._of(item, depth)
                separator = b","
        yield b"]"

    def _of_dict(self, members: dict[Any, Any], depth: int) -> Iterator[bytes]:
        separator, left = b"{", iter(list(members.items()))
        while some := dict(islice(left, _ITEMS)):
            if not weighs_over(some, PIECE):
                yield separator + self._encoded(some)[1:-1]
                separator = b","
                continue
            for key, item in some.items():
                yield separator + self._encoded({key: 0})[1:-2]
                yield from self._of(item, depth)
                separator = b","
        yield b"}"

    def _of_other(self, value: Any, depth: int) -> Iterator[bytes]:
        form = message_form(value)
        if form is None:
            form, self.exact = json_form(value), False
        yield from self._of(form, depth)


def beginning(value: Any, size: int) -> bytes:
    """JSON of the first part of a value: whole in itself, and about `size` bytes long."""
    return orjson.dumps(_first(value, [size], 0), json_form)


def _first(value: Any, left: list[int], depth: int) -> Any:
    if isinstance(value, str):
        part = value[: max(left[0], 0)].encode(errors="replace").decode()
        left[0] -= len(part)
        return part
    left[0] -= 8
    if value is None or isinstance(value, bool | int | float):
        return encode(value)[0].decode() if isinstance(value, int) and value.bit_length() > 63 else value
    if depth > _DEEPEST:
        return "..."
    if isinstance(value, dict):
        return {str(key)[:PIECE]: _first(item, left, depth + 1) for key, item in value.items() if left[0] > 0}
    if isinstance(value, list | tuple):
        return [_first(item, left, depth + 1) for item in value if left[0] > 0]
    return _first(message_form(value) or json_form(value), left, depth + 1)
