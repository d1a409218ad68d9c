"""A run as a line of JSON: what an export writes, an import reads, and a cassette consists of.

    {"id", "parent"?, "trace", "kind", "name", "at", "us"?, "status", "session"?, "call_id"?, "tags"?, "metadata"?,
     "inputs"?, "output"?, "error"?: {"type", "message", "traceback"}, "stopped_by"?, "engine"?, "worker"?, "attempts"?,
     "cached"?, "inexact"?, "masked"?, "cut"?, "digest"?, "events"?: [{"at", "event", "value"?}]}

Keys stand in this order, and those that say nothing are left out, so that lines of two recordings differ where the
runs did. `at` is in microseconds since 1970, `us` in microseconds.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from toolrun.errors import ToolrunError
from toolrun.store.query._language import STATUSES
from toolrun.store.query._records import Payload, StoredEvent, StoredRun
from toolrun.store.query._terms import KINDS

WITHOUT_END = ("running", "interrupted")

_HOW = ("stopped_by", "engine", "worker")
_NOTES = ("inexact", "masked", "cut", "digest")
_PAYLOAD = ("tags", "metadata", "inputs", "output", "error")
_ID = re.compile(r"[0-9a-f]{32}")
_INTEGER = range(-(2**63), 2**63)
_TIME = range(253_370_764_800_000_000)  # to the end of 9998: any of them is a date in any zone


class MalformedLine(ToolrunError, ValueError):
    """A line that is no run."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(f"The line is no run of an export: {why}.")


def line_of(run: StoredRun, payload: Payload) -> bytes:
    """The run as a line, with its end."""
    line: dict[str, Any] = {"id": run.id, "parent": run.parent, "trace": run.trace, "kind": run.kind, "name": run.name}
    line |= {"at": run.at, "us": run.us, "status": run.status, "session": run.session, "call_id": run.call_id}
    line |= {name: _as_it_is(getattr(payload, f"{name}_json")) for name in _PAYLOAD}
    line |= {name: getattr(run, name) for name in _HOW}
    line |= {"attempts": run.attempts if run.attempts != 1 else None, "cached": run.cached or None}
    line |= {name: payload.notes.get(name) for name in _NOTES}
    line["events"] = [_event(event) for event in payload.events] or None
    return orjson.dumps({key: value for key, value in line.items() if value is not None}) + b"\n"


def read_line(line: bytes | str) -> tuple[StoredRun, Payload]:
    """The run that a line tells of; `MalformedLine` if it tells of none."""
    told = fields_of(line)
    return _run(told), _payload(told)


def fields_of(line: bytes | str) -> dict[str, Any]:
    """What a line says, once it is sure that it is a run."""
    try:
        told = orjson.loads(line)
    except ValueError as error:
        is_half = "surrogate" in str(error)
        raise MalformedLine(
            f"a text in it is no Unicode ({error})" if is_half else f"it is not JSON ({error})"
        ) from None
    if not isinstance(told, dict):
        raise MalformedLine("it is no JSON object")
    for name, (is_right, wanted) in _RULES.items():
        if not is_right(told.get(name)):
            raise MalformedLine(f"{name!r} is {wanted}, and not {_short(told.get(name))}")
    if not _can_be_written(told):
        raise MalformedLine("a value in it is nested too deeply to be written again")
    if told.get("us") is None and told["status"] not in WITHOUT_END:
        raise MalformedLine(f"'us' is missing, though the run has ended as {told['status']}")
    return told


def _run(told: dict[str, Any]) -> StoredRun:
    error = told.get("error") or {}
    return StoredRun(
        id=told["id"],
        trace=told.get("trace") or told["id"],
        parent=told.get("parent"),
        kind=told["kind"],
        name=told["name"],
        status=told["status"],
        at=told["at"],
        us=told.get("us"),
        error_type=error.get("type"),
        error_message=error.get("message"),
        stopped_by=told.get("stopped_by"),
        engine=told.get("engine"),
        worker=told.get("worker"),
        attempts=told.get("attempts") or 1,
        cached=bool(told.get("cached")),
        session=told.get("session"),
        call_id=told.get("call_id"),
        file=0,
        seq=0,
    )


def _payload(told: dict[str, Any]) -> Payload:
    inputs, output, error, tags, metadata = (
        orjson.dumps(told[name]).decode() if name in told else None
        for name in ("inputs", "output", "error", "tags", "metadata")
    )
    notes = {name: told[name] for name in _NOTES if name in told}
    events = (
        StoredEvent(event["at"], event["event"], orjson.dumps(event["value"]).decode() if "value" in event else None)
        for event in told.get("events") or ()
    )
    return Payload(
        inputs, output, error, tags, metadata, orjson.dumps(notes).decode() if notes else None, tuple(events)
    )


def _as_it_is(json: str | None) -> orjson.Fragment | None:
    return None if json is None else orjson.Fragment(json)


def _event(event: StoredEvent) -> dict[str, Any]:
    told: dict[str, Any] = {"at": event.at, "event": event.event}
    return told if event.json is None else told | {"value": orjson.Fragment(event.json)}


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _is_integer(value: Any) -> bool:
    return type(value) is int and value in _INTEGER


def _is_time(value: Any) -> bool:
    return type(value) is int and value in _TIME


def _is_event(value: Any) -> bool:
    return isinstance(value, dict) and _is_time(value.get("at")) and isinstance(value.get("event"), str)


def _can_be_written(told: dict[str, Any]) -> bool:
    """orjson reads what is nested deeper than it writes."""
    values = [told.get(name) for name in _PAYLOAD] + [event.get("value") for event in told.get("events") or ()]
    try:
        for value in values:
            orjson.dumps(value)
    except TypeError:
        return False
    return True


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _or_nothing(rule: Any) -> Any:
    return lambda value: value is None or rule(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_error(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_text(value.get(name, "")) for name in ("type", "message", "traceback"))


_RULES = {
    "id": (_is_id, "an id of 32 hex digits"),
    "parent": (_or_nothing(_is_id), "an id of 32 hex digits"),
    "trace": (_or_nothing(_is_id), "an id of 32 hex digits"),
    "kind": (KINDS.__contains__, f"one of {', '.join(KINDS)}"),
    "name": (_is_text, "a text"),
    "status": (STATUSES.__contains__, f"one of {', '.join(STATUSES)}"),
    "at": (_is_time, "a number of microseconds since 1970, before the year 9999"),
    "us": (_or_nothing(lambda value: _is_integer(value) and value >= 0), "a number of microseconds"),
    "error": (_or_nothing(_is_error), "an object with the texts type, message and traceback"),
    "tags": (_or_nothing(_is_texts), "a list of texts"),
    "metadata": (_or_nothing(lambda value: isinstance(value, dict)), "an object"),
    "session": (_or_nothing(_is_text), "a text"),
    "call_id": (_or_nothing(_is_text), "a text"),
    "stopped_by": (_or_nothing(_is_text), "a text"),
    "engine": (_or_nothing(_is_text), "a text"),
    "worker": (_or_nothing(_is_integer), "a number"),
    "attempts": (_or_nothing(_is_integer), "a number"),
    "inexact": (_or_nothing(_is_texts), "a list of texts"),
    "masked": (_or_nothing(_is_texts), "a list of texts"),
    "cut": (_or_nothing(_is_texts), "a list of texts"),
    "digest": (_or_nothing(_is_text), "a text"),
    "events": (
        _or_nothing(lambda value: isinstance(value, list) and all(map(_is_event, value))),
        "a list of objects with at and event",
    ),
}


def _short(value: Any) -> str:
    text = "missing" if value is None else repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
