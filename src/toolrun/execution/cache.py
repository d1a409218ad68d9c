"""Results of earlier calls, in memory: found again by equal arguments, for a time, and no more than so many."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from toolrun.execution.job import Job


@dataclasses.dataclass(frozen=True, slots=True)
class Cache:
    """How results are kept."""

    ttl: float | None = None
    """Seconds for which a result is good; None for ever."""
    size: int = 1000
    """How many results are kept; then the one that was not asked for longest goes."""

    def fault(self) -> str:
        """What cannot be, if anything."""
        if self.ttl is not None and not self.ttl > 0:
            return "ttl must be above 0"
        return "" if self.size > 0 else "size must be a whole number above 0"


class Results:
    """The results of one tool. A value is kept as it is, not copied, and errors are not kept."""

    def __init__(self, cache: Cache, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl, self._size, self._clock = cache.ttl, cache.size, clock
        self._kept: OrderedDict[Hashable, tuple[Any, float | None]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable) -> tuple[bool, Any]:
        """Whether there is a good result, and the result."""
        with self._lock:
            value, until = self._kept.get(key, (None, 0.0))
            if until is not None and until <= self._clock():
                self._kept.pop(key, None)
                return False, None
            self._kept.move_to_end(key)
            return True, value

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a result."""
        with self._lock:
            self._kept[key] = value, None if self._ttl is None else self._clock() + self._ttl
            self._kept.move_to_end(key)
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)


def key_of(job: Job) -> Hashable | None:
    """What the result of the job is found by: the body and its validated arguments. None if they cannot be compared."""
    if job.given is None:
        return None
    args, kwargs = job.given
    try:
        key = job.body.function, frozen(args), frozen(kwargs)
        hash(key)
    except (TypeError, RecursionError):
        return None
    return key


def frozen(value: Any) -> Hashable:
    """The value as something that is equal if and only if the value is: also 1, 1.0 and True differ."""
    kind = type(value)
    if kind in _PLAIN:
        return kind, value
    if isinstance(value, list | tuple):
        return kind, tuple(map(frozen, value))
    if isinstance(value, dict):
        return kind, frozenset((frozen(key), frozen(each)) for key, each in value.items())
    if isinstance(value, set | frozenset):
        return kind, frozenset(map(frozen, value))
    if hasattr(kind, "__pydantic_validator__") or (dataclasses.is_dataclass(value) and kind.__hash__ is None):
        return kind, frozen(vars(value))
    hash(value)
    return kind, value


_PLAIN = frozenset({str, int, float, bool, bytes, type(None)})
