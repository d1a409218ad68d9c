"""The record of a run, in the caller and on its way into SQLite, beside what others write of the same run.

A run has about 600 bytes of JSON. What is measured of each subject is the difference that recording makes.
"""

from __future__ import annotations

import atexit
import os
import shutil
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from statistics import quantiles
from tempfile import mkdtemp
from typing import Any

import orjson

from benchmarks.harness import FLOOR, OURS, PEER, Bound, Figures, Measure, Metric, Scenario, per_run
from benchmarks.libraries import libraries
from toolrun._ids import new_run_id
from toolrun.handlers import Recorder
from toolrun.store.indexer import Indexer

ARGUMENTS = {"query": "what is the weather in the capital of France next week?" * 3, "limit": 10}
OUTPUT = "Mostly dry with sunny spells; highs of 19 degrees on Tuesday. " * 5
RATE = 10_000
INDEXED = 20_000

_numbers = count()


def scenarios() -> Iterator[Scenario]:
    others = dict(_others())
    for name, bound, options in (("", 8, {"redact": None}), (", secrets masked", 14, {})):
        metric = Metric("in the caller, added", "us", Bound(bound))
        subjects = {FLOOR: _floor(), OURS: _added(OURS, lambda options=options: [_recorder(**options)]), **others}
        yield Scenario(f"durable record of a run{name}", (metric,), subjects, pinned=True)
    paced = Metric("in the caller, p99", "us", Bound(50))
    yield Scenario(f"records of {RATE:,} runs a second, indexed meanwhile", (paced,), {OURS: _paced}, rounds=7)
    indexed = Metric("per run, from the journal to the commit", "us", Bound(20))
    yield Scenario("indexing (20 us are 50,000 runs a second)", (indexed,), {OURS: _indexed}, rounds=7, pinned=True)


def _folder() -> Path:
    folder = Path(mkdtemp(prefix="toolrun-benchmark-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder / f"store{next(_numbers)}"


def _recorder(**options: Any) -> Recorder:
    return Recorder(_folder(), index=False, **options)


def search(query: str, limit: int) -> str:
    """Searches."""
    return OUTPUT


def _added(name: str, handlers: Callable[[], list[Any]]) -> Measure:
    """What these handlers add to a run of a tool."""
    library = next(library for library in libraries() if library.name == name)
    tool, config = library.tool(search), {"callbacks": handlers()}
    plain, recorded = per_run(lambda: tool.invoke(ARGUMENTS)), per_run(lambda: tool.invoke(ARGUMENTS, config))
    return lambda: (recorded()[0] - plain()[0],)


def _floor() -> Measure:
    """The same bytes, encoded and written twice."""
    path = _folder()
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    start = {"id": "x" * 32, "trace": "x" * 32, "kind": "tool", "name": "search", "at": time.time_ns()}
    end = {**start, "us": 100, "status": "ok", "engine": "inline"}

    def write() -> None:
        os.write(descriptor, orjson.dumps({**start, "inputs": ARGUMENTS}))
        os.write(descriptor, orjson.dumps({**end, "output": OUTPUT}))

    return per_run(write)


def _others() -> Iterator[tuple[str, Measure]]:
    """What others take for the same; none of them has a record on the disk by then."""
    if any(library.name == PEER for library in libraries()):
        yield PEER, _added(PEER, _langchain_tracer)
    try:
        yield "OTel SDK, batch processor", _otel()
    except ModuleNotFoundError:
        return


def _langchain_tracer() -> list[Any]:
    from langchain_core.tracers.base import BaseTracer

    class Keeps(BaseTracer):
        def _persist_run(self, run: Any) -> None:
            run.model_dump_json(exclude={"child_runs", "parent_run"})

    return [Keeps()]


def _otel() -> Measure:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    class Nowhere(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    tracer = provider.get_tracer("benchmark")
    attributes = {f"gen_ai.tool.attribute{number}": "value" for number in range(6)}

    def record() -> None:
        with tracer.start_as_current_span("execute_tool search", attributes=attributes) as span:
            span.set_attribute("gen_ai.tool.call.arguments", orjson.dumps(ARGUMENTS).decode())
            span.set_attribute("gen_ai.tool.call.result", OUTPUT)

    return per_run(record)


_START = {"parent_run_id": None, "tags": [], "metadata": {}, "tool_call_id": None, "name": "search", "color": "green"}
_END = {"parent_run_id": None, "tags": [], "tool_call_id": None, "name": "search", "color": "green", "engine": "inline"}


def _record(recorder: Recorder) -> None:
    run_id = new_run_id()
    recorder.on_tool_start({"name": "search"}, "", run_id=run_id, inputs=ARGUMENTS, **_START)
    recorder.on_tool_end(OUTPUT, run_id=run_id, **_END)


def _paced() -> Figures:
    """The 99th percentile of what the records of a run take, at a steady rate, while they are indexed."""
    recorder, took = Recorder(_folder()), []
    begun = time.perf_counter()
    for number in range(RATE):
        while (now := time.perf_counter()) < begun + number / RATE:
            time.sleep(0.0001)
        _record(recorder)
        took.append(time.perf_counter() - now)
    recorder.close()
    return (quantiles(took, n=100)[98] * 1e6,)


def _indexed() -> Figures:
    recorder = _recorder()
    for _ in range(INDEXED):
        _record(recorder)
    recorder.close()
    indexer = Indexer(recorder.path)
    indexer.lock.acquire()
    started = time.perf_counter()
    indexer.drain()
    elapsed = time.perf_counter() - started
    indexer.close()
    shutil.rmtree(recorder.path)
    return (elapsed / INDEXED * 1e6,)
