"""The runs of a store in formats that others read. Each streams: a store of any size goes through little memory.

jsonl       a line of JSON a run: for `toolrun import`, for cassettes, for jq
otlp-json   lines of OTLP JSON, for OpenTelemetry collectors
chrome      the Trace Event Format, for ui.perfetto.dev and chrome://tracing
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from toolrun.store.exchange._chrome import chrome_pieces
from toolrun.store.exchange._lines import MalformedLine, line_of, read_line
from toolrun.store.exchange._otlp import otlp_lines
from toolrun.store.query._records import Payload, StoredRun

__all__ = ["FORMATS", "MalformedLine", "export", "line_of", "read_line"]

Records = Iterable[tuple[StoredRun, Payload]]


def _jsonl(records: Records) -> Iterator[bytes]:
    return (line_of(run, payload) for run, payload in records)


FORMATS: dict[str, Callable[[Records], Iterator[bytes]]] = {
    "jsonl": _jsonl,
    "otlp-json": otlp_lines,
    "chrome": chrome_pieces,
}


def export(records: Records, format: str = "jsonl") -> Iterator[bytes]:
    """The pieces of the export of runs that come oldest first, as `Reader.records` gives them."""
    return FORMATS[format](records)
