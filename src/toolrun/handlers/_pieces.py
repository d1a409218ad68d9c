"""Large values as JSON, piece by piece: no step of it keeps the interpreter, and thereby the event loop, for long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import orjson

from toolrun.handlers._weight import weighs_over
from toolrun.store._encode import encode, json_form, message_form, shown

PIECE = 64 * 1024
_ITEMS = 4096  # of a container, encoded together if they are small
_DEEPEST = 100


class Pieces:
    """The JSON of one value. Iterating gives its bytes; then `exact` says whether they say all of it."""

    def __init__(self, value: Any, *, sort_keys: bool = False) -> None:
        self._value = value
        self._sort_keys = sort_keys
        self._around: set[int] = set()  # the containers that the current one is in
        self.exact = True

    def __iter__(self) -> Iterator[bytes]:
        since = 0
        for piece in self._of(self._value):
            yield piece
            since += len(piece)
            if since > PIECE:
                time.sleep(0)
                since = 0

    def _of(self, value: Any) -> Iterator[bytes]:
        if len(self._around) > _DEEPEST or not weighs_over(value, PIECE):
            yield self._encoded(value)
        elif isinstance(value, str):
            yield from self._of_text(value)
        elif id(value) in self._around:
            self.exact = False
            yield b'"..."'
        else:
            self._around.add(id(value))
            yield from self._of_container(value)
            self._around.discard(id(value))

    def _of_container(self, value: Any) -> Iterator[bytes]:
        if isinstance(value, dict):
            members = list(value.items())
            if self._sort_keys:
                members.sort(key=_name_of)
            yield from self._of_all(members, b"{", b"}")
        elif isinstance(value, list | tuple):
            yield from self._of_all(value, b"[", b"]")
        else:
            form = message_form(value)
            if form is None:
                form, self.exact = json_form(value), False
            yield from self._of(form)

    def _of_all(self, items: Any, opening: bytes, closing: bytes) -> Iterator[bytes]:
        """The items of a list, or the members of a dict, many at a time."""
        separator, is_dict = opening, closing == b"}"
        for begin in range(0, len(items), _ITEMS):
            for part in self._of_some(items[begin : begin + _ITEMS], is_dict):
                yield separator if part is _NEXT else part
                separator = b"," if part is _NEXT else separator
        yield closing if items else opening + closing

    def _of_some(self, items: Any, is_dict: bool) -> Iterator[bytes]:
        """Each part after `_NEXT`: together if they are small, else in halves."""
        if not weighs_over(items, PIECE):
            yield _NEXT
            yield self._encoded(dict(items) if is_dict else list(items))[1:-1]
        elif len(items) > 1:
            half = len(items) // 2
            yield from self._of_some(items[:half], is_dict)
            yield from self._of_some(items[half:], is_dict)
        else:
            yield _NEXT
            (item,) = items
            if is_dict:
                yield self._encoded({item[0]: 0})[1:-2]
            yield from self._of(item[1] if is_dict else item)

    def _of_text(self, text: str) -> Iterator[bytes]:
        yield b'"'
        for begin in range(0, len(text), PIECE):
            yield self._encoded(text[begin : begin + PIECE])[1:-1]
        yield b'"'

    def _encoded(self, value: Any) -> bytes:
        encoded, exact = encode(value, orjson.OPT_SORT_KEYS if self._sort_keys else 0, len(self._around))
        self.exact = self.exact and exact
        return encoded


def _name_of(member: tuple[Any, Any]) -> str:
    key, _ = member
    return key if isinstance(key, str) else shown(key)


_NEXT = b""
"""Stands for a separator."""


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
