"""How large a value is, found out without encoding it."""

from __future__ import annotations

from typing import Any

_PER_ITEM = 8


def weighs_over(value: Any, limit: int) -> bool:
    """Whether the value's JSON would have more than about `limit` bytes. Looks at no more of it than it takes."""
    kind = type(value)
    if kind is str:
        return len(value) > limit
    if kind is not dict:
        return kind not in _SMALL and _goes_over(value, limit)
    weight = _PER_ITEM * len(value)
    if weight > limit:
        return True
    for one in value.values():  # most arguments are a few plain values
        kind = type(one)
        if kind is str:
            weight += len(one)
        elif kind not in _SMALL:
            return _goes_over(value, limit)
    return weight > limit


def _goes_over(value: Any, limit: int) -> bool:
    weight, left = 0, [value]
    while left:
        one = left.pop()
        kind = type(one)
        if kind is str or kind is bytes or kind is bytearray:
            weight += len(one)
        elif kind is dict:
            weight += _PER_ITEM * len(one)
            if weight <= limit:
                left += one
                left += one.values()
        elif kind in _SEQUENCES:
            weight += _PER_ITEM * len(one)
            if weight <= limit:
                left += one
        elif kind not in _SMALL:
            weight += _PER_ITEM
            left += _attributes(one, kind)
        if weight > limit:
            return True
    return False


_SEQUENCES = frozenset({list, tuple, set, frozenset})
_SMALL = frozenset({int, float, bool, type(None)})


def _attributes(value: Any, kind: type) -> list[Any]:
    if isinstance(value, str | bytes):
        return [str.__str__(value)] if isinstance(value, str) else [bytes(value)]
    slots = getattr(kind, "__slots__", ())
    if isinstance(slots, str):
        slots = (slots,)
    attributes = [getattr(value, name, None) for name in slots]
    return [*attributes, *getattr(value, "__dict__", {}).values()]
