"""Runs by the beginning of their ids."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain

from toolrun.errors import ToolrunError
from toolrun.store.query._condition import Condition
from toolrun.store.query._meanings import id_range
from toolrun.store.query._open_files import OpenFile, OpenFiles
from toolrun.store.query._records import StoredRun
from toolrun.store.query._selecting import runs_where

SHORTEST = 8
_AN_ID = re.compile(r"[0-9a-fA-F]{1,32}")
_SHOWN = 5


class NoSuchRun(ToolrunError, LookupError):
    """No run of the store has this id, or an id that begins so."""

    def __init__(self, text: str) -> None:
        self.text = text
        why = "" if is_id(text) else " An id has up to 32 digits and letters a-f."
        super().__init__(f"No run or trace has an id that begins with {text!r}.{why} `toolrun runs` lists them.")


class AmbiguousId(ToolrunError, LookupError):
    """Several runs have ids that begin so."""

    def __init__(self, text: str, ids: list[str]) -> None:
        self.text, self.ids = text, ids
        shown = "".join(f"\n  {each}" for each in ids[:_SHOWN]) + ("\n  ..." if len(ids) > _SHOWN else "")
        super().__init__(f"Several runs have ids that begin with {text!r}; give more of it:{shown}")


def is_id(text: str) -> bool:
    """Whether an id may begin so."""
    return _AN_ID.fullmatch(text.replace("-", "")) is not None


def find_run(files: OpenFiles, text: str) -> StoredRun:
    """The run whose id begins so; for a trace whose root was never recorded, its first run."""
    if not is_id(text):
        raise NoSuchRun(text)
    for column in ("run_id", "trace_id"):
        where = Condition(f"run.{column} BETWEEN ? AND ?", [*id_range(text)])
        end = f"ORDER BY run.{column}, run.start_us LIMIT {_SHOWN + 1}"
        found = list(chain.from_iterable(runs_where(file, where, end) for file in files))
        if len({getattr(run, "id" if column == "run_id" else "trace") for run in found}) == 1:
            return min(found, key=lambda run: run.at)
        if found:
            raise AmbiguousId(text, sorted(run.id for run in found))
    raise NoSuchRun(text)


def telling_length(files: OpenFiles, ids: Iterable[str]) -> int:
    """How many digits it takes to tell each of these runs from every other run of the store."""
    opened = list(files)
    return max((_telling(file, id_) for id_ in ids for file in opened), default=SHORTEST)


def _telling(file: OpenFile, id_: str) -> int:
    """One more than it has in common with the ids next to it."""
    row = file.row(
        """SELECT lower(hex((SELECT max(run_id) FROM run WHERE run_id < ?1))),
        lower(hex((SELECT min(run_id) FROM run WHERE run_id > ?1)))""",
        bytes.fromhex(id_),
    )
    return max(SHORTEST, *(_common(id_, other) + 1 for other in row))


def _common(one: str, other: str) -> int:
    return next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(other))
