"""The same tools, each call with the delay of `latency.jsonl`: one half of the names blocks, the other half is async.

The delay is looked up by the tool call id. `BFCL_DELAYS=0` leaves the delays out, to make ready what is made but once.
"""

import asyncio
import inspect
import json
import os
import time
from copy import deepcopy
from functools import cache, wraps
from importlib import import_module
from pathlib import Path
from typing import Annotated

from bfcl_eval.constants.executable_backend_config import CLASS_FILE_PATH_MAPPING

from toolrun.runner import public_methods
from toolrun.tools import InjectedToolCallId

_HERE = Path(__file__)
_ENTRIES = {entry["id"]: entry for entry in map(json.loads, _HERE.with_name("entries.jsonl").open())}
_LATENCIES = [json.loads(line) for line in _HERE.with_name("latency.jsonl").open()]
_SECONDS = {row["id"]: row["delay_ms"] / 1000 for row in _LATENCIES}
_IS_ASYNC = {row["name"]: row["mode"] == "async" for row in _LATENCIES}


def ideal_seconds():
    """The longest session's delays: what the batch takes if nothing else does."""
    of_session = {}
    for id, seconds in _SECONDS.items():
        session = id.rpartition(".")[0]
        of_session[session] = of_session.get(session, 0) + seconds
    return max(of_session.values())


def _delay(tool_call_id):
    return float(os.environ.get("BFCL_DELAYS", "1")) * _SECONDS.get(tool_call_id, 0)


def _delayed(name, method):
    def blocking(self, *args, tool_call_id, **kwargs):
        time.sleep(_delay(tool_call_id))
        return method(self._instance, *args, **kwargs)

    async def suspending(self, *args, tool_call_id, **kwargs):
        await asyncio.sleep(_delay(tool_call_id))
        return method(self._instance, *args, **kwargs)

    delayed = wraps(method)(suspending if _IS_ASYNC.get(name) else blocking)
    of_method, extra = inspect.signature(method), Annotated[str, InjectedToolCallId]
    id = inspect.Parameter("tool_call_id", inspect.Parameter.KEYWORD_ONLY, annotation=extra)
    delayed.__signature__ = of_method.replace(parameters=[*of_method.parameters.values(), id])
    delayed.__annotations__ = {**method.__annotations__, "tool_call_id": extra}
    return delayed


class _Slow:
    """Stands before an instance: whoever calls it waits, the instance's own calls of itself do not."""

    def __init__(self, instance):
        self._instance = instance


@cache
def _classes(class_name):
    """The class, and its slow front; one for all sessions, so that facts are found once."""
    fast = getattr(import_module(CLASS_FILE_PATH_MAPPING[class_name]), class_name)
    methods = {name: getattr(fast, name) for name in public_methods(object.__new__(fast))}
    return fast, type(class_name, (_Slow,), {name: _delayed(name, method) for name, method in methods.items()})


def session(entry_id):
    """The public methods of an entry's instances, in the entry's initial state."""
    entry, methods = _ENTRIES[entry_id], {}
    for class_name in entry["involved_classes"]:
        fast, slow = _classes(class_name)
        instance = fast()
        if hasattr(instance, "_load_scenario"):
            state = entry["initial_config"].get(class_name, {})
            instance._load_scenario(deepcopy(state), long_context=entry["long_context"])
        methods |= public_methods(slow(instance))
    return methods
