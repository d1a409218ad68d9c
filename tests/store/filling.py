"""A store that a test fills by hand: runs as they are told, in the files that the test says."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from toolrun.store._frames import FrameKind
from toolrun.store.rows import Record, apply
from toolrun.store.sqlite import StoreFile, store_files

BEGIN_US = 1_794_999_960_000_000
"""2026-11-18, a full minute: when the tests' time begins."""

MS = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND


def run_id(number: int) -> str:
    """An id for the run of this number."""
    return f"{0x019AA7E5B3C2_7000_8000_000000000000 + number:032x}"


@dataclass
class Filling:
    """The folder of a store; `add` puts a run into it."""

    folder: Path
    _seq: count[int] = field(default_factory=count)
    _open: dict[int, Connection] = field(default_factory=dict)

    @property
    def files(self) -> list[StoreFile]:
        return store_files(self.folder)

    def add(
        self,
        number: int,
        name: str = "search",
        *,
        parent: int | None = None,
        trace: int | None = None,
        at: int | None = None,
        us: int | None = 10 * MS,
        status: str = "ok",
        day: int = 20261118,
        kind: str = "tool",
        indexed: bool = False,
        events: list[tuple[str, Any]] | None = None,
        end: dict[str, Any] | None = None,
        **start: Any,
    ) -> str:
        """Store a run; with `us=None` one that still runs. `indexed`: its words are in the full-text index. Its id."""
        id, at = run_id(number), BEGIN_US + number * SECOND if at is None else at
        both: dict[str, Any] = {"id": id, "trace": run_id(number if trace is None else trace)}
        if parent is not None:
            both["parent"] = run_id(parent)
        both |= {"kind": kind, "name": name, "at": at}
        records = [Record(FrameKind.START, next(self._seq), both | {"inputs": {}} | start)]
        for event, value in events or ():
            told = {"id": id, "at": at + 1, "event": event, "value": value}
            records.append(Record(FrameKind.EVENT, next(self._seq), told))
        if us is not None:
            outcome = {"output": None} if status == "ok" else {}
            ended = both | {"us": us, "status": status} | outcome | (end or {})
            records.append(Record(FrameKind.END, next(self._seq), ended))
        self._write(day, records, indexed)
        return id

    def _write(self, day: int, records: list[Record], indexed: bool) -> None:
        connection = self._open.get(day)
        if connection is None:
            connection = self._open[day] = StoreFile(self.folder / f"runs-{day}.db").writing()
        apply(connection, records)
        if indexed:
            connection.execute(
                "INSERT INTO words(rowid, inputs, output, error) "
                "SELECT seq, inputs, output, error FROM searchable WHERE seq IN (SELECT seq FROM unsearched)"
            )
            connection.execute("DELETE FROM unsearched")

    def close(self) -> None:
        for connection in self._open.values():
            connection.close()


def failed(type: str, message: str) -> dict[str, Any]:
    """What the end of a run says that failed."""
    return {"error": {"type": type, "message": message, "traceback": f"Traceback ...\n{type}: {message}"}}
