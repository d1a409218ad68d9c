"""What tests of the journal share: segments read frame by frame, and processes that are killed."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from toolrun.store._frames import Frame, FrameKind, read_frames
from toolrun.store._reading import segments_of
from toolrun.store.sqlite import StoreFile, store_files

RECORDS = (FrameKind.START, FrameKind.EVENT, FrameKind.END)


def frames_of(segment: Path) -> list[Frame]:
    """Every whole frame of a segment."""
    return list(read_frames(segment.read_bytes()))


def records_of(store: Path) -> list[tuple[FrameKind, dict[str, Any]]]:
    """The records in the journal of a store, in the order in which they were written."""
    return [
        (FrameKind(frame.kind), orjson.loads(frame.body))
        for segment in segments_of(store)
        for frame in frames_of(segment)
        if frame.kind in RECORDS
    ]


@contextmanager
def reading(file: StoreFile) -> Iterator[sqlite3.Connection]:
    """A connection for a block."""
    connection = file.reading()
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def writing(file: StoreFile) -> Iterator[sqlite3.Connection]:
    """A connection for a block, that may write."""
    connection = file.writing()
    try:
        yield connection
    finally:
        connection.close()


def runs_of(store: Path, **wanted: Any) -> list[dict[str, Any]]:
    """The runs in the files of a store, oldest first, with their payloads decoded; those with these columns."""
    found = []
    for file in reversed(store_files(store)):
        with reading(file) as connection:
            connection.row_factory = sqlite3.Row
            rows = connection.execute(
                "SELECT run.*, payload.*, named.kind, named.name FROM run JOIN payload USING(seq) "
                "JOIN named ON named.id = named_id ORDER BY run.seq"
            )
            found += [_decoded(dict(row)) for row in rows]
    return [run for run in found if wanted.items() <= run.items()]


def _decoded(row: dict[str, Any]) -> dict[str, Any]:
    for name in ("inputs", "output", "error", "tags", "metadata", "notes"):
        row[name] = None if row[name] is None else orjson.loads(row[name])
    return row


def run_python(program: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """A program in a process of its own, to its end, however that comes."""
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **options,
    )
