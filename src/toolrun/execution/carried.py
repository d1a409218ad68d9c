"""Context variables that go along when a body leaves this process: a worker has no other way to know them."""

from __future__ import annotations

from contextvars import Context, ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

_carried: dict[str, ContextVar[Any]] = {}


def carry(variable: ContextVar[T]) -> ContextVar[T]:
    """Have bodies in other processes find this variable's value; to be called where the variable is defined.

    Values must be picklable. Variables are known by their names, which must differ.
    """
    known = _carried.setdefault(variable.name, variable)
    if known is not variable:
        raise ValueError(f"another context variable named {variable.name!r} is carried already; give this one its own")
    return variable


def carried_values(context: Context) -> dict[str, Any] | None:
    """The values of all carried variables that are set in the context; None if there are none."""
    found = None
    for name, variable in _carried.items():
        if variable in context:
            found = found or {}
            found[name] = context[variable]
    return found


def set_carried(values: dict[str, Any]) -> None:
    """Set in the current context what came along; a variable that is not known here is left out."""
    for name, value in values.items():
        if name in _carried:
            _carried[name].set(value)
