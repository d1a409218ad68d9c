"""Copies of arguments for handlers, so that a tool that changes its arguments does not change what they saw.

Whatever the arguments are, showing them does not fail: who listens to a call must not decide whether it succeeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def snapshot(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A copy as deep as plain containers go; all other objects go by reference."""
    try:
        for value in arguments.values():
            if type(value) in _COPIERS:
                return _dict(arguments, {})
    except Exception:  # nested too deep, or another thread changes it meanwhile
        pass
    return {**arguments}


def text_of(arguments: Mapping[str, Any]) -> str:
    """The arguments as text; one whose `repr` raises, or that is nested too deep for it, does not spoil the others."""
    try:
        return str(arguments)
    except Exception:
        return f"{{{', '.join(f'{name!r}: {safe_repr(value)}' for name, value in arguments.items())}}}"


def safe_repr(value: Any) -> str:
    """`repr`, also of objects whose `__repr__` raises."""
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__qualname__} whose repr raised {type(error).__name__}>"


def _copy(value: Any, seen: dict[int, Any]) -> Any:
    copier = _COPIERS.get(type(value))
    if copier is None:
        return value
    known = seen.get(id(value))
    return copier(value, seen) if known is None else known


def _dict(value: Mapping[Any, Any], seen: dict[int, Any]) -> dict[Any, Any]:
    copied: dict[Any, Any] = {}
    seen[id(value)] = copied
    for key, item in value.items():
        copied[key] = _copy(item, seen) if type(item) in _COPIERS else item
    return copied


def _list(value: list[Any], seen: dict[int, Any]) -> list[Any]:
    copied: list[Any] = []
    seen[id(value)] = copied
    copied.extend(_copy(item, seen) for item in value)
    return copied


def _immutable(build: Callable[[Iterable[Any]], Any]) -> Callable[[Any, dict[int, Any]], Any]:
    return lambda value, seen: build(_copy(item, seen) for item in value)


_COPIERS: dict[type, Callable[[Any, dict[int, Any]], Any]] = {
    dict: _dict,
    list: _list,
    tuple: _immutable(tuple),
    set: lambda value, seen: set(value),
    frozenset: lambda value, seen: value,
    bytearray: lambda value, seen: bytearray(value),
}
