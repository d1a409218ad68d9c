"""Frames: what goes over a socket between parent and worker. Length, kind, payload.

parent -> worker   LOAD    a number and the body that it stands for from now on, before its first CALL
                   CALL    number of the body, facts of the run, arguments
worker -> parent   HELLO   the worker's process id; once, first
                   LOADED  the body is there (or will not be, which the CALL then says)
                   EVENT   an event of the call's run, or of a run inside it
                   RETURN  what the body returned
                   RAISE   what the body raised
                   REFUSE  why it could not be run or answered: which thing could not be sent
                   BEGAN   when the body of a call that has a timeout began, on the clock that all processes share
                   TOOK    how long the body ran, before the answer of a call that has a timeout
fork server        EXIT    the worker's exit code; the last frame, after whatever the worker wrote
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct

_HEADER = Struct("<QB")
_EXIT_CODE = Struct("<i")
_SECONDS = Struct("<d")

_pack, _unpack, _SIZE = _HEADER.pack, _HEADER.unpack_from, _HEADER.size


class Kind(IntEnum):
    """What a frame says."""

    LOAD = 1
    CALL = 2
    DROP = 3
    EVENT = 4
    RETURN = 5
    RAISE = 6
    REFUSE = 7
    BEGAN = 8
    TOOK = 9
    LOADED = 10  # from here on: about the worker, not about its call
    HELLO = 11
    EXIT = 12


LOAD, CALL, DROP, EVENT, RETURN, RAISE, REFUSE, BEGAN, TOOK, LOADED, HELLO, EXIT = map(int, Kind)

KNOWN_BODIES = 256
"""How many a worker keeps. Both ends count, and drop all of them before the next one."""

Frame = tuple[int, bytes]
"""Kind and payload."""


def frame(kind: int, payload: bytes = b"") -> bytes:
    """The bytes of one frame."""
    return _pack(len(payload), kind) + payload


def time_frame(kind: int, seconds: float) -> bytes:
    """When a body began, or how long it ran."""
    return frame(kind, _SECONDS.pack(seconds))


def seconds_of(payload: bytes) -> float:
    """What a BEGAN or TOOK frame says."""
    seconds: float = _SECONDS.unpack(payload)[0]
    return seconds


def exit_frame(exit_code: int) -> bytes:
    """The last frame of a worker; negative for the signal that ended it."""
    return frame(EXIT, _EXIT_CODE.pack(exit_code))


def exit_code_of(payload: bytes) -> int:
    """What an EXIT frame says."""
    code: int = _EXIT_CODE.unpack(payload)[0]
    return code


_ROOM, _MOST_ROOM = 1 << 12, 1 << 20


class Decoder:
    """Cuts a stream of bytes into frames."""

    __slots__ = ("_rest", "room")

    def __init__(self) -> None:
        self._rest = bytearray()
        self.room = _ROOM
        """How many bytes to read next: few, which costs least, unless more is known to come."""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are whole now."""
        if not self._rest and len(data) >= _SIZE:
            size, kind = _unpack(data)
            if len(data) == _SIZE + size:  # one whole frame: how nearly every answer comes
                return [(kind, data[_SIZE:])]
        rest = self._rest
        rest += data
        frames: list[Frame] = []
        start = 0
        while len(rest) - start >= _SIZE:
            size, kind = _unpack(rest, start)
            end = start + _SIZE + size
            if end > len(rest):
                break
            frames.append((kind, bytes(rest[start + _SIZE : end])))
            start = end
        del rest[:start]
        self.room = _ROOM
        if len(rest) >= _SIZE:
            self.room = min(max(_ROOM, _SIZE + _unpack(rest)[0] - len(rest)), _MOST_ROOM)
        return frames

    def last(self) -> list[Frame]:
        """The EXIT frame at the end of a stream whose last frame a dying worker did not finish."""
        tail = bytes(self._rest[-len(_AN_EXIT) :])
        self._rest.clear()
        return Decoder().feed(tail) if tail[:_SIZE] == _AN_EXIT[:_SIZE] else []


_AN_EXIT = exit_frame(0)
