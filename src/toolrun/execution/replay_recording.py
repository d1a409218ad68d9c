"""What was recorded: the tool calls of a trace, a store or a cassette, by tool and arguments, in their order.

A call that was made inside another tool is left out: that tool's body does not run, so nobody makes the call.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from toolrun.execution.replay_errors import DamagedCassette
from toolrun.store import Store, open_store
from toolrun.store._digest import arguments_digest
from toolrun.store.exchange.export import MalformedLine, read_line
from toolrun.store.query import Payload, Reader, StoredRun

Source = str | PathLike[str] | Store
Record = tuple[StoredRun, Payload]
Key = tuple[str, str]
"""A tool's name, and the digest of the arguments."""


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One call of a tool, as it was recorded."""

    number: int
    """Its place among the calls that can be made, from 1."""
    run: StoredRun
    payload: Payload

    @property
    def key(self) -> Key:
        """What a call of today must agree in."""
        digest = self.payload.notes.get("digest")
        return self.run.name, digest or arguments_digest(self.payload.inputs)

    @property
    def must_be_made(self) -> bool:
        """Whether a replay without this call misses something: not if its arguments were refused, and no tool asked."""
        return self.run.error_type != "ValidationError"


class Recording:
    """Recorded calls, each to be served once."""

    def __init__(self, calls: list[RecordedCall]) -> None:
        self.count = len(calls)
        self._left: dict[Key, deque[RecordedCall]] = {}
        for call in calls:
            self._left.setdefault(call.key, deque()).append(call)
        self._served = dict.fromkeys(self._left, 0)

    def take(self, key: Key, session: str | None) -> RecordedCall | None:
        """The next call of this tool with these arguments, if there is one left; of a session, only its own."""
        left = self._left.get(key, ())
        found = next((call for call in left if session is None or call.run.session == session), None)
        if found is not None:
            self._left[key].remove(found)
            self._served[key] += 1
        return found

    def times_served(self, key: Key) -> int:
        """How often the call was made before."""
        return self._served.get(key, 0)

    def left(self) -> list[RecordedCall]:
        """What was recorded and not called yet, in its order."""
        return sorted((call for calls in self._left.values() for call in calls), key=lambda call: call.number)


def recorded_calls(source: Source, trace: str | None) -> list[RecordedCall]:
    """The calls of a store's folder or of a cassette, or of one trace in it, by its id or how that begins."""
    records = enumerate(_made_by_the_program(_records(source, trace)), 1)
    return [RecordedCall(number, *record) for number, record in records]


def _records(source: Source, trace: str | None) -> list[Record]:
    if not isinstance(source, Store) and Path(source).is_file():
        return _of_trace(list(_lines(Path(source))), trace)
    store = source if isinstance(source, Store) else open_store(source)
    if not store.readonly:
        store.refresh()
    with closing(Reader(store)) as reader:
        if trace is None:
            return list(reader.records())
        of_trace = [found.run for found in reader.tree(reader.find(_digits(trace)).trace)]
        return [(run, reader.payload(run)) for run in of_trace]


def _lines(path: Path) -> Iterator[Record]:
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _record(line, path, number)


def _record(line: bytes, path: Path, number: int) -> Record:
    try:
        return read_line(line)
    except MalformedLine as error:
        raise DamagedCassette(path, number, str(error)) from None


def _of_trace(records: list[Record], trace: str | None) -> list[Record]:
    return records if trace is None else [each for each in records if each[0].trace.startswith(_digits(trace))]


def _digits(id: Any) -> str:
    return str(id).replace("-", "").lower()


def _made_by_the_program(records: Iterable[Record]) -> list[Record]:
    """The calls of tools with no tool above them, by their start."""
    known = {run.id: (run, payload) for run, payload in records}

    def inside_a_tool(run: StoredRun) -> bool:
        seen = {run.id}
        while (above := known.get(run.parent or "")) is not None and above[0].id not in seen:
            run = above[0]
            if run.kind == "tool":
                return True
            seen.add(run.id)
        return False

    calls = [record for record in known.values() if record[0].kind == "tool" and not inside_a_tool(record[0])]
    return sorted(calls, key=lambda record: (record[0].at, record[0].id))
