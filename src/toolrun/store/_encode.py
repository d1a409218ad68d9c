"""Any value as JSON, and whether the JSON says all of it.

What orjson knows goes as it is, and so does a tool message. Models and data classes go as objects of their fields,
sets as lists, everything else as its `repr`: such values are *inexact*, and cannot be given back as what they were.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Set
from math import isfinite
from typing import Any

import orjson

EXACTLY = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
"""Options of orjson by which it encodes by itself only what the JSON says all of."""

_DEEPEST = 200  # orjson's own bound is 254


def encode(value: Any, options: int = 0, depth: int = 0) -> tuple[bytes, bool]:
    """The value as JSON text, and whether it is exact. Does not fail, whatever the value is.

    `depth` says in how many containers it will stand: what is nested too deeply with them is cut off.
    """
    if depth:
        for _ in range(depth):
            value = (value,)
        encoded, exact = encode(value, options)
        return encoded[depth:-depth], exact
    inexact: list[object] = []

    def other(one: Any) -> Any:
        message = message_form(one)
        if message is not None:
            return message
        inexact.append(None)
        return json_form(one)

    try:
        encoded = orjson.dumps(value, other, EXACTLY | options)
    except (TypeError, ValueError, RecursionError):
        return _encode_slowly(value, options)
    if b"null" in encoded and has_lost_numbers(value):
        return _encode_slowly(value, options)
    return encoded, not inexact


def message_form(value: Any) -> dict[str, Any] | None:
    """A tool message as an object; None for anything else. It is exact, for its content and artifact say it all."""
    try:
        if getattr(value, "type", None) != "tool" or not hasattr(value, "tool_call_id"):
            return None
        fields = {
            name: getattr(value, name, None) for name in ("content", "tool_call_id", "name", "status", "artifact")
        }
    except Exception:  # a property of the user's, as of a handle that is not connected
        return None
    return {"type": "tool", **{name: one for name, one in fields.items() if one is not None}}


def json_form(value: Any) -> Any:
    """What stands for a value that JSON has no form for."""
    try:
        return _form_of(value)
    except Exception:  # a model that cannot be dumped, a data class without its fields
        return shown(value)


def shown(value: Any) -> str:
    """`repr`, also of objects whose `__repr__` raises."""
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__qualname__} whose repr raised {type(error).__name__}>"


def _form_of(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    dump = getattr(type(value), "model_dump", None)
    if dump is not None:
        return dump(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Set):
        return sorted(value, key=repr)
    if isinstance(value, tuple):
        return list(value)
    return _plain_text(value)


def _plain_text(value: Any) -> str:
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat()) if isoformat is not None else shown(value)


def _encode_slowly(value: Any, options: int) -> tuple[bytes, bool]:
    """For what orjson refuses: keys that are no strings, endless nesting, large numbers, broken text."""
    exact = [True]
    return orjson.dumps(_plain(value, exact, ()), None, options), exact[0]


def _plain(value: Any, exact: list[bool], around: tuple[int, ...]) -> Any:
    """The value in nothing but what JSON has; notes in `exact` where that is not the same.

    `around` are the containers that it is in: one that holds itself would never end.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, exact)
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**63 else _noted(_digits(value), exact)
    if isinstance(value, float):
        return float(value) if isfinite(value) else _noted(repr(value), exact)
    if id(value) in around or len(around) > _DEEPEST:
        return _noted("...", exact)
    around = (*around, id(value))
    if isinstance(value, Mapping):
        return {_key(key, exact): _plain(item, exact, around) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, exact, around) for item in value]
    message = message_form(value)
    return _plain(message or _noted(json_form(value), exact), exact, around)


def _digits(number: int) -> str:
    """The digits of a number; the hexadecimal ones where Python refuses the others, for they take long."""
    try:
        return str(int(number))
    except ValueError:
        return hex(number)


def _key(key: Any, exact: list[bool]) -> str:
    return _text(key, exact) if isinstance(key, str) else _noted(shown(key), exact)


def _text(text: str, exact: list[bool]) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        exact[0] = False
        return text.encode(errors="backslashreplace").decode()
    return str(text)


def _noted(form: Any, exact: list[bool]) -> Any:
    exact[0] = False
    return form


def has_lost_numbers(value: Any) -> bool:
    """Whether there is a number that JSON has no form for, which orjson writes as null."""
    if isinstance(value, float):
        return not isfinite(value)
    if isinstance(value, dict):
        return any(map(has_lost_numbers, value.values()))
    if isinstance(value, list | tuple):
        return any(map(has_lost_numbers, value))
    return False
