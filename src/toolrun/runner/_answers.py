"""What a body in a worker process answers with: its value, or where that cannot leave the worker, the value's `repr`.

Both are taken the moment the body returns, so that what the session's next call changes does not reach them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from toolrun.execution.body import Body
from toolrun.runner._json import encode, safe_repr

_PLAIN = frozenset({str, int, float, bool, type(None)})


class Shown(str):
    """The `repr` of a value that had to stay in its worker: the output of that call, and known to be no JSON."""

    __slots__ = ()


def answering(function: Any) -> Callable[..., Any]:
    """The function as a worker runs it: to its end, with an answer that always finds the way back."""
    body = Body(function)
    if body.is_async:

        async def arun(*args: Any, **kwargs: Any) -> Any:
            return _answer(await body.call(*args, **kwargs))

        return arun

    def run(*args: Any, **kwargs: Any) -> Any:
        return _answer(body.call(*args, **kwargs))

    return run


def _answer(value: Any) -> Any:
    return value if type(value) in _PLAIN or encode(value)[1] else _Answer(value)


class _Answer:
    """A value that is no JSON, on its way to the parent."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __reduce__(self) -> Any:
        from toolrun.execution.processes._pickling import dump_value

        try:
            data = dump_value(self.value)
        except Exception:  # whatever its class thinks of being pickled
            data = None
        return _received, (data, safe_repr(self.value))


def _received(data: bytes | None, shown: str) -> Any:
    from toolrun.execution.processes._pickling import load_value

    if data is not None:
        try:
            value = load_value(data)
        except Exception:  # of a class that only the worker knows, say
            return Shown(shown)
        if safe_repr(value) != shown:
            _keep(value, shown)
        return value
    return Shown(shown)


_shown_elsewhere: OrderedDict[int, tuple[Any, str]] = OrderedDict()
"""Values that look otherwise here than where they came about, by their ids: some depend on settings of their library,
and those are the worker's. Few, and not for long: a call that was cancelled meanwhile does not fetch its own."""

_MOST = 256


def _keep(value: Any, shown: str) -> None:
    _shown_elsewhere[id(value)] = value, shown
    while len(_shown_elsewhere) > _MOST:
        _shown_elsewhere.popitem(last=False)


def shown_of(value: Any) -> str | None:
    """How a value from a worker looked there, if it looks otherwise here; can be asked once."""
    if type(value) is Shown:
        return str(value)
    if not _shown_elsewhere or type(value) in _PLAIN:
        return None
    kept = _shown_elsewhere.get(id(value))
    if kept is None or kept[0] is not value:
        return None
    del _shown_elsewhere[id(value)]
    return kept[1]
