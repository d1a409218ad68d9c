"""Runs from an export back into a store. What is there already stays as it is: doing it twice is the same as once.

A run that had not ended when it was exported is `interrupted` here, until an export is imported in which it has ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolrun.errors import ToolrunError
from toolrun.store._batch import Told
from toolrun.store._columns import Record
from toolrun.store._frames import FrameKind
from toolrun.store._target import Target, target_for
from toolrun.store.exchange._lines import WITHOUT_END, MalformedLine, fields_of
from toolrun.store.sqlite import file_of_today, store_files

AT_ONCE = 1_000

_EVENTS = "SELECT count(*), ifnull(max(n), 0) FROM event WHERE seq = ?"
_INTERRUPT = "UPDATE run SET status = 'interrupted' WHERE run_id = ? AND status = 'running'"
_BOTH = ("id", "parent", "trace", "kind", "name", "at")
_START = (*_BOTH, "session", "call_id", "tags", "metadata", "inputs", "inexact", "masked", "cut", "digest")
_END = (*_BOTH, "us", "status", "output", "error", "stopped_by", "engine", "worker", "attempts", "cached")


class NotImported(ToolrunError, ValueError):
    """A line cannot be imported; the lines before it were."""

    def __init__(self, source: str, line: int, why: str) -> None:
        self.source, self.line, self.why = source, line, why
        super().__init__(
            f"{source}:{line}: {why} The lines before it are imported; mend it, and import the file again: "
            "what is there already is not doubled."
        )


@dataclass(slots=True)
class Imported:
    """How many runs there were, and how many of them the store did not have."""

    runs: int = 0
    new: int = 0


def import_lines(folder: Path, lines: Iterable[bytes], source: str) -> Imported:
    """Import the lines of an export into the store in this folder; `source` is named where one of them is wrong."""
    files = store_files(folder) or [file_of_today(folder)]
    targets = [Target(file) for file in files]
    try:
        return _Import(targets).lines(lines, source)
    finally:
        for target in targets:
            target.close()


class _Import:
    def __init__(self, targets: list[Target]) -> None:
        self._targets = targets
        self._waiting: dict[str, Told] = {}
        self._imported = Imported()

    def lines(self, lines: Iterable[bytes], source: str) -> Imported:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                fields = fields_of(line)
            except MalformedLine as error:
                self._write()
                raise NotImported(source, number, str(error)) from None
            self._waiting[fields["id"]] = _told(fields)
            if len(self._waiting) >= AT_ONCE:
                self._write()
        self._write()
        return self._imported

    def _write(self) -> None:
        """Write what waits, each run into the file that it belongs to."""
        for target in self._targets:
            mine = {id: told for id, told in self._waiting.items() if target_for(self._targets, id, told) is target}
            if mine:
                self._write_into(target, mine)
        self._imported.runs += len(self._waiting)
        self._waiting.clear()

    def _write_into(self, target: Target, told: dict[str, Told]) -> None:
        with target.transaction() as connection:
            known = target.rows.known(told)
            self._imported.new += len(told) - len(known)
            for id, (seq, status) in known.items():
                if status not in WITHOUT_END:
                    del told[id]
                    continue
                there, last = connection.execute(_EVENTS, (seq,)).fetchone()
                told[id].events = [  # those that are there are the first ones: events are only ever added
                    event._replace(seq=last + n) for n, event in enumerate(told[id].events[there:], 1)
                ]
            target.rows.apply(told, None)
            connection.executemany(_INTERRUPT, [(bytes.fromhex(id),) for id in told.keys() - known.keys()])


def _told(fields: dict[str, Any]) -> Told:
    told = Told()
    said = {name: value for name, value in fields.items() if value is not None or name in ("inputs", "output")}
    told.start = {name: said[name] for name in _START if name in said}
    if fields["status"] not in WITHOUT_END:
        told.end = {name: said[name] for name in _END if name in said}
    events = fields.get("events") or ()
    told.events = [Record(FrameKind.EVENT, n, {"id": fields["id"], **event}) for n, event in enumerate(events)]
    return told
