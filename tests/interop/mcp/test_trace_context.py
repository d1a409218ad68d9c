"""W3C trace context goes with each call, in its `_meta`, as the SDK writes and reads it; no exporter is needed."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from mcp import Client
from opentelemetry import context, trace
from tests.conftest import AsyncDriver

from toolrun.interop.mcp import mcp_server, mcp_tools

FAKE = Path(__file__).with_name("fake_server.py")
TRACE, SPAN = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331


def in_a_trace() -> context.Context:
    span = trace.NonRecordingSpan(trace.SpanContext(TRACE, SPAN, is_remote=False, trace_flags=trace.TraceFlags(1)))
    return trace.set_span_in_context(span)


def test_the_callers_trace_goes_out_with_a_call() -> None:
    listed = json.dumps([{"name": "say", "inputSchema": {"type": "object"}}])
    with mcp_tools([sys.executable, str(FAKE), listed]) as [tool]:
        token = context.attach(in_a_trace())
        try:
            meta = json.loads(tool.invoke({"do": "meta"}))
        finally:
            context.detach(token)
        assert meta["traceparent"].split("-")[1:3] == [f"{TRACE:032x}", f"{SPAN:016x}"]
        assert "traceparent" not in json.loads(tool.invoke({"do": "meta"}))


def test_the_clients_trace_is_that_of_the_tool(async_driver: AsyncDriver, revision: str) -> None:
    async def seen() -> str:
        return f"{trace.get_current_span().get_span_context().trace_id:032x}"

    async def call() -> Any:
        async with Client(mcp_server([seen]), mode=revision) as client:
            meta: Any = {"traceparent": f"00-{TRACE:032x}-{SPAN:016x}-01"}
            [block] = (await client.call_tool("seen", meta=meta)).content
            return block.text  # type: ignore[union-attr]

    assert async_driver.run(call()) == f"{TRACE:032x}"
    assert asyncio.run(seen()) == f"{0:032x}"
