"""Runs as OpenTelemetry spans: lines of OTLP JSON, each of them a request that a collector takes.

Names are those of the GenAI conventions, which are in development and have moved to a repository of their own; they
are kept here as of its commit 004902b8cb70. What has no name there is called `toolrun.*`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from importlib.metadata import version
from itertools import islice
from typing import Any

import orjson

from toolrun.store.query._records import Payload, StoredEvent, StoredRun

CONVENTIONS = "004902b8cb70"
SPANS_IN_A_LINE = 200

_INTERNAL, _CLIENT = 1, 3
_ERROR = 2
_OPERATIONS = {
    "tool": "execute_tool",
    "agent": "invoke_agent",
    "llm": "text_completion",
    "chat_model": "chat",
}
_HOW = ("stopped_by", "engine", "worker")
_NOTES = ("inexact", "masked", "cut", "digest")


def otlp_lines(records: Iterable[tuple[StoredRun, Payload]]) -> Iterator[bytes]:
    """One line for so many spans; each is read by itself."""
    scope = {"name": "toolrun", "version": version("toolrun")}
    resource = {"attributes": _attributes({"service.name": "toolrun"})}
    spans = (span_of(run, payload) for run, payload in records)
    while some := list(islice(spans, SPANS_IN_A_LINE)):
        scoped = [{"scope": scope, "spans": some}]
        yield orjson.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": scoped}]}) + b"\n"


def span_of(run: StoredRun, payload: Payload) -> dict[str, Any]:
    """The run as a span. One that still runs, or was interrupted, ends where it began: OTLP has no open spans."""
    operation = _OPERATIONS.get(run.kind)
    end = run.at + (run.us or 0)
    span: dict[str, Any] = {"traceId": run.trace, "spanId": span_id(run.id)}
    if run.parent:
        span["parentSpanId"] = span_id(run.parent)
    return span | {
        "name": f"{operation} {run.name}" if operation else run.name,
        "kind": _CLIENT if run.kind in ("llm", "chat_model") else _INTERNAL,
        "startTimeUnixNano": f"{run.at}000",
        "endTimeUnixNano": f"{end}000",
        "attributes": _attributes(_facts(run, payload, operation)),
        "events": [_event(event) for event in payload.events] + _exception(payload, end),
        "status": {"code": _ERROR, "message": run.error_message or run.status} if run.is_failed else {},
    }


def span_id(run_id: str) -> str:
    """The random half of a run id, 16 hex digits; of an id that has none, a digest."""
    half = run_id[16:]
    return half if int(half, 16) else blake2b(bytes.fromhex(run_id), digest_size=8).hexdigest()


def _facts(run: StoredRun, payload: Payload, operation: str | None) -> dict[str, Any]:
    facts: dict[str, Any] = {"gen_ai.operation.name": operation, "gen_ai.conversation.id": run.session}
    if run.kind == "tool":
        facts |= {
            "gen_ai.tool.name": run.name,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": run.call_id,
            "gen_ai.tool.call.arguments": payload.inputs_json,
            "gen_ai.tool.call.result": payload.output_json,
        }
    else:
        facts |= {"toolrun.inputs": payload.inputs_json, "toolrun.output": payload.output_json}
    if run.kind == "agent":
        facts["gen_ai.agent.name"] = run.name
    if run.is_failed:
        facts["error.type"] = run.error_type or "_OTHER"
    facts |= {"toolrun.run.id": run.id, "toolrun.kind": run.kind, "toolrun.status": run.status}
    facts |= {f"toolrun.{name}": getattr(run, name) for name in _HOW}
    facts |= {"toolrun.attempts": run.attempts, "toolrun.cached": run.cached or None}
    facts |= {"toolrun.tags": payload.tags or None, "toolrun.metadata": payload.metadata_json}
    return facts | {f"toolrun.{name}": payload.notes.get(name) for name in _NOTES}


def _event(event: StoredEvent) -> dict[str, Any]:
    return {
        "timeUnixNano": f"{event.at}000",
        "name": event.event,
        "attributes": _attributes({"toolrun.event.value": event.json}),
    }


def _exception(payload: Payload, end: int) -> list[dict[str, Any]]:
    error = payload.error
    if not isinstance(error, dict):
        return []
    named = {"type": "exception.type", "message": "exception.message", "traceback": "exception.stacktrace"}
    attributes = _attributes({name: error.get(key) for key, name in named.items()})
    return [{"timeUnixNano": f"{end}000", "name": "exception", "attributes": attributes}]


def _attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _any_value(value)} for key, value in values.items() if value is not None]


def _any_value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_any_value(item) for item in value]}}
    return {"stringValue": str(value)}
