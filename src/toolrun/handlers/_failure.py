"""An exception as it is kept: its type, its message, and where it came from.

The lines of source are left out: reading them would hold the event loop, and they may hold secrets.
"""

from __future__ import annotations

import traceback

from toolrun.store._encode import shown

_FRAMES = 100
_ERRORS = 20
_CAUSED = "The above exception was the direct cause of the following exception:"
_HANDLED = "During handling of the above exception, another exception occurred:"


def failure_of(error: BaseException) -> dict[str, str]:
    """What is kept of an exception; its traceback tells those that led to it, too."""
    kind = type(error)
    return {
        "type": kind.__qualname__,
        "module": kind.__module__,
        "message": _message(error),
        "traceback": "\n".join(_chain(error)),
    }


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return shown(error)


def _chain(error: BaseException) -> list[str]:
    """The exception and those before it, the first one first, as Python shows them."""
    lines = _told(error)
    seen = {id(error)}
    while (before := _before(error)) is not None and id(before) not in seen and len(seen) < _ERRORS:
        link = _CAUSED if error.__cause__ is not None else _HANDLED
        lines = [*_told(before), "", link, "", *lines]
        seen.add(id(before))
        error = before
    return lines


def _before(error: BaseException) -> BaseException | None:
    if error.__cause__ is not None or error.__suppress_context__:
        return error.__cause__
    return error.__context__


def _told(error: BaseException) -> list[str]:
    return [*_frames(error), f"{_full_name(type(error))}: {_message(error)}"]


def _frames(error: BaseException) -> list[str]:
    frames = [
        f'  File "{frame.f_code.co_filename}", line {line}, in {frame.f_code.co_name}'
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    if len(frames) > _FRAMES:
        half = _FRAMES // 2
        frames = [*frames[:half], f"  ... {len(frames) - 2 * half} more", *frames[-half:]]
    return ["Traceback (most recent call last):", *frames] if frames else []


def _full_name(kind: type) -> str:
    name = kind.__qualname__
    return name if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{name}"
