"""What tests of the journal share: segments read frame by frame, and processes that are killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson

from toolrun.store._frames import Frame, FrameKind, read_frames
from toolrun.store._reading import segments_of

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
