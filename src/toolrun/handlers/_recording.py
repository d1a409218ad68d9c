"""Records of runs: from what an event says to what is written."""

from __future__ import annotations

from asyncio import _get_running_loop
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from toolrun._ids import monotonic, now
from toolrun.handlers._book import OpenRun, book_of
from toolrun.handlers._failure import failure_of
from toolrun.handlers._fields import Fields, Redacts, unreadable
from toolrun.handlers._later import Acknowledged, Later
from toolrun.handlers._weight import weighs_over
from toolrun.run import status_of
from toolrun.store._encode import message_form
from toolrun.store._frames import FrameKind

SMALL = 16 * 1024
"""What weighs no more than so many bytes is encoded in the event loop's own thread."""

Returned = Later | Acknowledged | None

_TEXTS_KEPT = 2048
_TOLD = ("attempts", "stopped_by", "worker", "cached")
_PLAIN = frozenset({str, dict, list, int, float, bool, type(None)})
_FURTHER = frozenset({*_TOLD, "value"})
_START, _EVENT, _END = int(FrameKind.START), int(FrameKind.EVENT), int(FrameKind.END)


@lru_cache(64)
def _plain(text: str) -> str:
    """A text of ours as JSON."""
    return orjson.dumps(text).decode()


def _further(facts: Mapping[str, Any]) -> str:
    """How the body ran, where there is more to say than its engine."""
    known = {key: facts[key] for key in _TOLD if facts.get(key) is not None}
    if "value" in facts:
        known["message"] = True
    return "," + orjson.dumps(known)[1:-1].decode() if known else ""


class Recording:
    """Keeps the runs that one recorder hears of."""

    def __init__(self, store: Path, on_disk: bool, redactor: Redacts | None, largest_value: int) -> None:
        self._book = book = book_of(store)
        self._open = book.open
        self._journal = book.journal
        self._journal_write = book.journal.write
        fields = Fields(redactor, largest_value)
        self._encoded, self._encoded_small = fields.encode, fields.encode_small
        self._text = lru_cache(_TEXTS_KEPT)(fields.text)  # names come again and again
        self._small = min(SMALL, largest_value)
        self._on_disk = on_disk
        if on_disk:
            book.journal.on_disk = True

    def _start(
        self,
        kind: str,
        name: str | None,
        inputs: Any,
        run_id: UUID,
        parent_run_id: UUID | None,
        tags: Sequence[str] | None,
        metadata: Mapping[str, Any] | None,
        call_id: object = None,
        session: object = None,
    ) -> Returned:
        """The run has begun."""
        number = run_id.int
        if number in self._open:
            return None  # another recorder keeps it
        own = trace = f"{number:032x}"
        above = ""
        if parent_run_id is not None:
            parent = self._open.get(parent_run_id.int)
            trace = own if parent is None else parent.trace
            above = f',"parent":"{parent_run_id.int:032x}"'
        who = f'"kind":"{kind}","name":{self._text(name or kind)},"at":{int(now() * 1e6)}'
        head = f'{{"id":"{own}","trace":"{trace}"{above},{who}'
        self._open[number] = tuple.__new__(OpenRun, (self, own, trace, head, monotonic()))  # in half the time
        fields = {"inputs": inputs}
        if call_id is not None:
            fields["call_id"] = str(call_id)
        if session is not None:
            fields["session"] = str(session)
        if tags:
            fields["tags"] = [tag if type(tag) is str else str(tag) for tag in tags]
        if metadata:
            fields["metadata"] = metadata
        return self._write(_START, head, fields)

    def _event(self, event: str, value: Any, run_id: UUID) -> Returned:
        """Something happened in the run."""
        run = self._open.get(run_id.int)
        if run is None or run.by is not self:
            return None
        head = f'{{"id":"{run.own}","at":{int(now() * 1e6)},"event":"{event}"'
        return self._write(_EVENT, head, {"value": value})

    def _end(self, output: Any, run_id: UUID, facts: Mapping[str, Any]) -> Returned:
        """The run came to its end by itself.

        Where a tool message went out, what the tool returned is recorded; where an error was answered, also that error.
        """
        if "value" in facts:
            output = facts["value"]
        fields = {"output": output if type(output) in _PLAIN else message_form(output) or output}
        if "answered" in facts:
            fields["error"] = failure_of(facts["answered"])
        return self._ended("ok", fields, run_id, facts)

    def _fail(self, error: BaseException, run_id: UUID, facts: Mapping[str, Any]) -> Returned:
        """The run was ended by an exception."""
        fields: dict[str, Any] = {"error": failure_of(error)}
        if facts.get("response") is not None:
            fields["output"] = facts["response"]
        return self._ended(status_of(error).value, fields, run_id, facts)

    def _ended(self, status: str, fields: dict[str, Any], run_id: UUID, facts: Mapping[str, Any]) -> Returned:
        run = self._open.get(run_id.int)
        if run is None or run.by is not self:
            return None
        del self._open[run_id.int]
        head = f'{run.head},"us":{int((monotonic() - run.started) * 1e6)},"status":"{status}"'
        if engine := facts.get("engine"):
            head = f'{head},"engine":{_plain(engine)}'
            if not _FURTHER.isdisjoint(facts):
                head += _further(facts)
        later = self._write(_END, head, fields)
        return self._acknowledged() if self._on_disk and later is None else later

    def _write(self, kind: int, head: str, fields: dict[str, Any]) -> Returned:
        """Write the record; later, where it would take the time of an event loop."""
        small = self._small
        try:
            for value in fields.values():
                if len(value) > small if type(value) is str else weighs_over(value, small):
                    if _get_running_loop() is not None:
                        return Later(partial(self._write_and_wait, kind, head, fields))
                    encoded = self._encoded(fields)
                    break
            else:
                encoded = self._encoded_small(fields)
        except Exception as error:
            encoded = unreadable(fields, error)
        self._journal_write(kind, b"%b,%b" % (head.encode(), encoded[1:]))
        return None

    def _write_and_wait(self, kind: int, head: str, fields: dict[str, Any]) -> None:
        """The same in a thread, for a value that is large."""
        try:
            encoded = self._encoded(fields)
        except Exception as error:
            encoded = unreadable(fields, error)
        self._journal_write(kind, b"%b,%b" % (head.encode(), encoded[1:]))
        if self._on_disk and kind == _END:
            self._journal.synced().result()

    def _acknowledged(self) -> Acknowledged | None:
        """Wait for the disk: here, or where there is a loop, by what is returned."""
        acknowledged = Acknowledged(self._journal.synced())
        if _get_running_loop() is None:
            acknowledged.at_once()
            return None
        return acknowledged

    def _whole(self, name: str, inputs: Any, run_id: UUID, facts: Mapping[str, Any]) -> Returned:
        """An event that belongs to no run, as one that begins and ends at once."""
        started = self._start("custom", name, inputs, run_id, None, facts.get("tags"), facts.get("metadata"))
        ended = self._end(None, run_id, facts)
        if started is None or ended is None:
            return started or ended
        return Later(lambda: (started.at_once(), ended.at_once()))
