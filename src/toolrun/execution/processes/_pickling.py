"""Values on their way between processes.

Plain pickle first, for it is fast. What it refuses, and what belongs to the program itself (`__main__`, which no worker
has), goes by cloudpickle. Run managers and callback managers go as what they mean: this very run, on the other side.
"""

from __future__ import annotations

import io
import pickle
import traceback
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from toolrun.callbacks import context
from toolrun.callbacks.context import current_run
from toolrun.callbacks.manager import AsyncCallbackManager, BaseCallbackManager, CallbackManager
from toolrun.callbacks.run_manager import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun
from toolrun.execution.processes import _forward
from toolrun.execution.processes.errors import RemoteError

_PROTOCOL = pickle.HIGHEST_PROTOCOL

_by_value: list[bytes] = [b"__main__"]
"""Modules that no worker can import: what belongs to them goes by value."""

load_value: Callable[[bytes], Any] = pickle.loads


def _reduce_run(run: Any) -> Any:
    return _forward.run_here, ()


def _reduce_manager(manager: BaseCallbackManager) -> Any:
    facts = (
        *(manager.parent_run_id, manager.tags, manager.inheritable_tags),
        *(manager.metadata, manager.inheritable_metadata),
    )
    return _forward.manager_here, (manager.is_async, *facts)


_REDUCERS: dict[type, Callable[[Any], Any]] = {
    CallbackManagerForToolRun: _reduce_run,
    AsyncCallbackManagerForToolRun: _reduce_run,
    CallbackManager: _reduce_manager,
    AsyncCallbackManager: _reduce_manager,
}


class _Pickler(pickle.Pickler):
    dispatch_table = _REDUCERS


_PLAIN = frozenset({str, int, float, bool, bytes, type(None)})


def are_plain(values: Iterable[Any]) -> bool:
    """Whether all of these can be pickled by whatever pickler there is."""
    return _PLAIN.issuperset(map(type, values))


def dump_value(value: Any) -> bytes:
    """The value as bytes; raises whatever pickling it raises."""
    if type(value) in _PLAIN:
        return pickle.dumps(value, _PROTOCOL)
    buffer = io.BytesIO()
    try:
        _Pickler(buffer, _PROTOCOL).dump(value)
    except Exception:
        return _dump_thoroughly(value)
    data = buffer.getvalue()
    for module in _by_value:
        if module in data:
            return _dump_thoroughly(value)
    return data


def send_by_value(module: ModuleType) -> None:
    """From now on send what belongs to this module by value."""
    import cloudpickle  # type: ignore[import-untyped]

    name = module.__name__.encode()
    if name not in _by_value:
        cloudpickle.register_pickle_by_value(module)
        _by_value.append(name)


def _dump_thoroughly(value: Any) -> bytes:
    import cloudpickle

    class Thorough(cloudpickle.Pickler):  # type: ignore[misc]
        dispatch_table = cloudpickle.Pickler.dispatch_table.new_child(_REDUCERS)

        def reducer_override(self, value: Any) -> Any:
            if value is current_run:  # the method of a context variable, which nobody can pickle
                return getattr, (context, "current_run")
            return super().reducer_override(value)

    buffer = io.BytesIO()
    Thorough(buffer, _PROTOCOL).dump(value)
    return buffer.getvalue()


def dump_or_show(value: Any) -> bytes:
    """The value as bytes, or its `repr`: for events, which must not be lost because of a part of them."""
    try:
        return dump_value(value)
    except Exception:
        return dump_value(_shown(value))


def _shown(value: Any) -> Any:
    """The value with every part that cannot be sent replaced by its `repr`."""
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(map(_shown, value))
    if type(value) is dict:
        return {key: _shown(each) for key, each in value.items()}
    if isinstance(value, BaseException):
        return sendable_error(value)
    try:
        dump_value(value)
    except Exception:
        return repr(value)
    return value


def culprit(value: Any, way: str) -> tuple[str, Any] | None:
    """The innermost thing that cannot be sent, and the way to it; None if all can."""
    try:
        dump_value(value)
    except Exception:
        for name, part in _parts(value):
            if found := culprit(part, f"{way}{name}"):
                return found
        return way, value
    return None


def _parts(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(f"[{key!r}]", each) for key, each in value.items()]
    if isinstance(value, list | tuple):
        return [(f"[{position}]", each) for position, each in enumerate(value)]
    attributes = getattr(value, "__dict__", None)
    if isinstance(attributes, dict) and not isinstance(value, type):
        return [(f".{name}", each) for name, each in attributes.items()]
    return []


def sendable_error(error: BaseException) -> BaseException:
    """The exception itself, if it survives the way; else a `RemoteError` that tells of it."""
    try:
        if type(load_value(dump_value(error))) is type(error):
            return error
    except Exception:  # it refuses to be pickled, or to be made anew
        pass
    return RemoteError(type(error).__qualname__, _text(error), told(error))


def told(error: BaseException) -> str:
    """The exception with its traceback, as text."""
    return "".join(traceback.format_exception(error)).rstrip()


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "<an exception whose text cannot be shown>"
