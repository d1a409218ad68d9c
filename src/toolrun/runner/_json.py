"""A value as JSON, and whether that JSON is the value."""

from __future__ import annotations

import json
import math
from typing import Any

import orjson

from toolrun.tools._snapshot import safe_repr

__all__ = ["PLAIN", "encode", "safe_repr", "safe_str"]

PLAIN = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


def encode(value: Any) -> tuple[bytes, bool]:
    """JSON text and True; or, if the value is not JSON, its `repr` as a JSON string and False.

    A value is JSON if reading the text gives an equal value, a tuple counting as a list. So NaN, keys that are
    not strings, enums, dates and models are not; integers of any size are.
    """
    try:
        text = orjson.dumps(value, option=PLAIN)
        if orjson.loads(text) == value:
            return text, True
    except Exception:  # not for orjson: a big integer, a tuple inside, an odd `__eq__`, or no JSON at all
        pass
    try:
        if _is_json(value):
            return json.dumps(value, allow_nan=False).encode(), True
    except RecursionError:  # a cycle, or too deep for any reader
        pass
    return json.dumps(safe_repr(value)).encode(), False


def _is_json(value: Any) -> bool:
    kind = type(value)
    if value is None or kind in (str, bool, int):
        return True
    if kind is float:
        return math.isfinite(value)
    if kind is dict:
        return all(type(key) is str and _is_json(item) for key, item in value.items())
    return kind in (list, tuple) and all(map(_is_json, value))


def safe_str(error: BaseException) -> str:
    """`str` of an exception, also of one whose `__str__` raises."""
    try:
        return str(error)
    except Exception as second:
        return f"<message lost: its str raised {type(second).__name__}>"
