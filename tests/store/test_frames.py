"""Frames: what is whole is read, and nothing behind what is not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from toolrun.store._frames import HEAD, FrameKind, frame, read_frames, wanted_bytes

BODIES = st.lists(st.binary(max_size=40), max_size=6)


def written(bodies: list[bytes]) -> bytes:
    return b"".join(frame(seq, FrameKind.EVENT, body) for seq, body in enumerate(bodies))


@given(BODIES)
def test_frames_come_back_as_they_were_written(bodies: list[bytes]) -> None:
    frames = list(read_frames(written(bodies)))
    assert [(one.seq, one.kind, one.body) for one in frames] == [
        (seq, FrameKind.EVENT, body) for seq, body in enumerate(bodies)
    ]
    assert not frames or frames[-1].end == len(written(bodies))


@given(BODIES, st.data())
def test_a_cut_anywhere_leaves_the_frames_before_it(bodies: list[bytes], data: st.DataObject) -> None:
    whole = written(bodies)
    cut = data.draw(st.integers(0, len(whole)))
    ends = [one.end for one in read_frames(whole)]
    assert len(list(read_frames(whole[:cut]))) == sum(end <= cut for end in ends)


@given(BODIES.filter(bool), st.data())
def test_reading_stops_at_the_first_byte_that_changed(bodies: list[bytes], data: st.DataObject) -> None:
    whole = bytearray(written(bodies))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    ends = [one.end for one in read_frames(written(bodies))]
    assert len(list(read_frames(bytes(whole)))) == sum(end <= place for end in ends)


def test_zeros_that_a_power_cut_left_are_no_frames() -> None:
    assert list(read_frames(frame(1, FrameKind.END, b"{}") + bytes(4096)))[1:] == []


def test_the_head_alone_tells_how_much_is_wanted() -> None:
    one = frame(7, FrameKind.START, b"x" * 100)
    assert wanted_bytes(one[: HEAD.size]) == len(one)
    assert wanted_bytes(one[: HEAD.size - 1]) == 0
