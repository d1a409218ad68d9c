"""Reading CALLS: every line as it stands, in time that grows with the file and no faster."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from toolrun.cli._source import CHUNK, CallsFile
from toolrun.tools.formats import CallRequest


def read(path: Path) -> list[str]:
    """The names of the calls in a file."""
    found: list[str] = []
    with CallsFile(str(path), "auto") as source:
        while (items := source.next_items()) is not None:
            found += [item.name for item in items if isinstance(item, CallRequest)]
    return found


def seconds_for(path: Path, megabytes: int) -> float:
    path.write_bytes(b'{"name": "a", "arguments": {"text": "%s"}}' % (b"x" * (megabytes << 20)))
    began = time.thread_time()
    assert read(path) == ["a"]
    return time.thread_time() - began


def test_a_line_of_many_megabytes_is_read_in_time_that_grows_with_its_length(tmp_path: Path) -> None:
    short = min(seconds_for(tmp_path / "calls.jsonl", 2) for _ in range(3))
    assert seconds_for(tmp_path / "calls.jsonl", 24) < 48 * short  # linear: 12 times; quadratic: about 144 times


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n"])
@pytest.mark.parametrize("length", [CHUNK - 60, CHUNK - 20, CHUNK, 2 * CHUNK, 3 * CHUNK + 1])
def test_lines_are_whole_wherever_the_pieces_that_are_read_end(tmp_path: Path, length: int, end: bytes) -> None:
    long = b'{"name": "long", "arguments": {"text": "%s"}}' % (b"x" * length)
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b"\n".join([b'{"name": "a"}', long, b'{"name": "b"}', long]) + end)
    assert read(path) == ["a", "long", "b", "long"]
