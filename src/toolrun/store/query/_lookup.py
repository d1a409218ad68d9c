"""Runs by their ids, or by a part of them.

Ids that were made in the same millisecond begin with the same 20 digits and more, so what people read and type is the
end: the last eight digits are random. Beginnings are found in the index of ids; for an end that index is read through,
100 ms for a million runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from toolrun.errors import ToolrunError
from toolrun.store.query._condition import Condition
from toolrun.store.query._meanings import id_range, ids_that_end
from toolrun.store.query._open_files import OpenFile, OpenFiles
from toolrun.store.query._records import StoredRun
from toolrun.store.query._selecting import runs_of_ids, runs_where

SHORT = 8
"""Digits at the end of an id that lists show: of a million runs two share them once in 4,000 times."""

_AN_ID = re.compile(r"[0-9a-fA-F]{1,32}")
_SHOWN = 5
_SOME = f"LIMIT {_SHOWN + 1}"


class NoSuchRun(ToolrunError, LookupError):
    """No run of the store has this id, or one that begins or ends so."""

    def __init__(self, text: str) -> None:
        self.text = text
        why = "" if is_id(text) else " An id has up to 32 digits and letters a-f."
        super().__init__(
            f"No run or trace has an id that begins or ends with {text!r}.{why} `toolrun runs` lists them."
        )


class AmbiguousId(ToolrunError, LookupError):
    """Several runs have ids that begin, or end, so."""

    def __init__(self, text: str, ids: list[str]) -> None:
        self.text, self.ids = text, ids
        shown = "".join(f"\n  {each}" for each in ids[:_SHOWN]) + ("\n  ..." if len(ids) > _SHOWN else "")
        super().__init__(f"Several runs have ids that begin or end with {text!r}; give more of it:{shown}")


def is_id(text: str) -> bool:
    """Whether an id may begin or end so."""
    return _AN_ID.fullmatch(text.replace("-", "")) is not None


def find_run(files: OpenFiles, text: str) -> StoredRun:
    """The run whose id begins so, or else ends so; for a trace whose root was never recorded, its first run."""
    if not is_id(text):
        raise NoSuchRun(text)
    digits = text.replace("-", "").lower()
    for column, of_file in (("id", _beginning), ("trace", _first_of_trace), ("id", _ending)):
        found = list(chain.from_iterable(of_file(file, digits) for file in files))
        ids = {getattr(run, column) for run in found}
        if len(ids) == 1:
            return min(found, key=lambda run: run.at)
        if ids:
            raise AmbiguousId(text, sorted(ids))
    raise NoSuchRun(text)


def _beginning(file: OpenFile, digits: str) -> Iterator[StoredRun]:
    return runs_where(file, Condition("run.run_id BETWEEN ? AND ?", [*id_range(digits)]), _SOME)


def _first_of_trace(file: OpenFile, digits: str) -> Iterator[StoredRun]:
    traces = Condition("run.trace_id BETWEEN ? AND ?", [*id_range(digits)])
    return runs_where(file, traces, f"ORDER BY run.trace_id, run.start_us {_SOME}")


def _ending(file: OpenFile, digits: str) -> Iterator[StoredRun]:
    ids = islice(ids_that_end(file, "run_id", digits), _SHOWN + 1)
    return runs_of_ids(file, "run_id", [id.hex() for id in ids])


def telling_length(ids: Iterable[str]) -> int:
    """How many digits at their end it takes to tell these ids from each other, and by chance from others."""
    ids = set(ids)
    return next(length for length in range(SHORT, 33) if len({id[-length:] for id in ids}) == len(ids))
