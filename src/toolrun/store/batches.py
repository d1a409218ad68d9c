"""The runs of a batch, as `toolrun run` marks them: for who wants to finish one that was cut short.

A batch has the name `digest-id`: the digest of its calls, and an id, for the same calls may be run again. Which batch
of some calls is the latest stands in the file `batches/<digest>` of the store, written before the batch begins.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from toolrun._ids import new_run_id
from toolrun.store.base import Store
from toolrun.store.errors import StoreUnwritable
from toolrun.store.query._open_files import OpenFiles

FOLDER = "batches"

_RUNS = """
SELECT lower(hex(run.run_id)), run.line, payload.metadata, run.status
FROM run JOIN payload USING(seq) WHERE run.batch = ? ORDER BY run.line, run.seq
"""
_EVENTS = "SELECT value FROM event WHERE seq = (SELECT seq FROM run WHERE run_id = ?) AND event = 'custom' ORDER BY n"


class BatchRun(NamedTuple):
    """One run of a batch: which call of which line it was, and how it stands."""

    id: str
    line: int
    call: int
    status: str
    rebuilt: bool


def begin_batch(store: Path, digest: str) -> str:
    """The name of a new batch of these calls, which is the latest from now on."""
    name, place = f"{digest}-{new_run_id().hex}", store / FOLDER / digest
    try:
        place.parent.mkdir(exist_ok=True)
        written = place.with_suffix(f".{os.getpid()}")
        written.write_text(name)
        written.replace(place)
    except OSError as error:
        raise StoreUnwritable(store, error.strerror or str(error)) from error
    return name


def latest_batch(store: Path, digest: str) -> str | None:
    """The name of the latest batch of these calls."""
    try:
        return (store / FOLDER / digest).read_text()
    except FileNotFoundError:
        return None


class Batches:
    """Reads batches from a store."""

    def __init__(self, store: Store) -> None:
        self._files = OpenFiles(lambda: store.files)

    def close(self) -> None:
        """Close its files."""
        self._files.close()

    def runs(self, batch: str) -> Iterator[BatchRun]:
        """Its runs, in the order of the calls' lines."""
        for file in self._files:
            for id_, line, metadata, status in file.rows(_RUNS, batch):
                mark = _mark(metadata)
                yield BatchRun(id_, line, mark.get("call", 0), status, bool(mark.get("rebuilt")))

    def custom_events(self, run: str, name: str) -> Iterator[Any]:
        """The data of the custom events of this name in a run, in their order."""
        for file in self._files:
            for (value,) in file.rows(_EVENTS, bytes.fromhex(run)):
                event = orjson.loads(value) if value else None
                if isinstance(event, dict) and event.get("name") == name:
                    yield event.get("data")


def _mark(metadata: str | None) -> dict[str, Any]:
    mark = (orjson.loads(metadata) if metadata else {}).get("toolrun")
    return mark if isinstance(mark, dict) else {}
