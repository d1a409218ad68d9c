"""Copies of arguments for handlers, so that a tool that changes its arguments does not change what they saw."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def snapshot(value: Any) -> Any:
    """A copy as deep as plain containers go; all other objects go by reference."""
    copy = _COPIERS.get(type(value))
    return value if copy is None else copy(value, {})


def _snapshot(value: Any, seen: dict[int, Any]) -> Any:
    copy = _COPIERS.get(type(value))
    if copy is None:
        return value
    known = seen.get(id(value))
    return copy(value, seen) if known is None else known


def _dict(value: dict[Any, Any], seen: dict[int, Any]) -> dict[Any, Any]:
    copied: dict[Any, Any] = {}
    seen[id(value)] = copied
    for key, item in value.items():
        copied[key] = _snapshot(item, seen)
    return copied


def _list(value: list[Any], seen: dict[int, Any]) -> list[Any]:
    copied: list[Any] = []
    seen[id(value)] = copied
    copied.extend(_snapshot(item, seen) for item in value)
    return copied


def _immutable(build: Callable[[Iterable[Any]], Any]) -> Callable[[Any, dict[int, Any]], Any]:
    return lambda value, seen: build(_snapshot(item, seen) for item in value)


_COPIERS: dict[type, Callable[[Any, dict[int, Any]], Any]] = {
    dict: _dict,
    list: _list,
    tuple: _immutable(tuple),
    set: lambda value, seen: set(value),
    frozenset: lambda value, seen: value,
    bytearray: lambda value, seen: bytearray(value),
}
