"""What a session was sent lately, so that a client whose connection broke can ask for what it missed."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import NamedTuple
from uuid import uuid4

from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp_types import JSONRPCMessage, jsonrpc_message_adapter

MOST_EVENTS, MOST_BYTES = 1000, 1 << 20


class _Event(NamedTuple):
    id: str
    stream: str
    text: str


class Replay(EventStore):
    """The newest events of one session: at most `MOST_EVENTS`, and, but for the last, `MOST_BYTES`.

    One a session, for streams are named by ids of requests, which sessions have in common.
    """

    def __init__(self) -> None:
        self._events: deque[_Event] = deque()
        self._size = 0

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        """Keep an event; what is oldest goes. Without a message it marks a place."""
        text = "" if message is None else message.model_dump_json(by_alias=True, exclude_unset=True)
        event = _Event(uuid4().hex, stream_id, text)
        self._events.append(event)
        self._size += len(text)
        while len(self._events) > MOST_EVENTS or (self._size > MOST_BYTES and len(self._events) > 1):
            self._size -= len(self._events.popleft().text)
        return event.id

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        """Send what came after this event on its stream; the stream, or None if the event is not kept any more."""
        events = list(self._events)
        place = next((place for place, event in enumerate(events) if event.id == last_event_id), None)
        if place is None:
            return None
        stream = events[place].stream
        for event in islice(events, place + 1, None):
            if event.stream == stream and event.text:
                message = jsonrpc_message_adapter.validate_json(event.text, by_name=False)
                await send_callback(EventMessage(message, event.id))
        return stream
