"""One record that cannot be stored costs the store nothing but that record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.store.journals import frames_of, runs_of
from tests.store.test_indexer import end, new_id, start

from toolrun.store import open_store
from toolrun.store._frames import FrameKind, frame
from toolrun.store._reading import segments_of
from toolrun.store.check import Checked, check
from toolrun.store.errors import NewerStore
from toolrun.store.journal import Journal

START, EVENT, END = FrameKind.START, FrameKind.EVENT, FrameKind.END


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def written_around(store: Path, kind: FrameKind, body: bytes) -> Path:
    """A dead process's segment with a good run, this record, and another good run."""
    journal = Journal(store)
    for middle in (True, False):
        run_id = new_id()
        journal.write(START, orjson.dumps(start(run_id)))
        journal.write(END, orjson.dumps(end(run_id)))
        if middle:
            journal.write(kind, body)
    journal.close()
    (segment,) = segments_of(store)
    return segment


def checked(store: Path) -> Checked:
    return check(open_store(store, readonly=True))


def deep(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


NO_RECORDS: dict[str, tuple[FrameKind, bytes]] = {
    "not JSON": (START, b"{{{"),
    "empty": (END, b""),
    "no object": (START, b"[]"),
    "nothing said": (END, b"{}"),
    "nothing said of a start": (START, b"{}"),
    "an event of nothing": (EVENT, b"{}"),
    "no id": (START, orjson.dumps(start("x" * 32))),
    "a number too large": (END, orjson.dumps(end(new_id(), at=2**63))),
    "a negative duration": (END, orjson.dumps(end(new_id(), us=-1))),
    "a text for a number": (END, orjson.dumps(end(new_id(), worker="one"))),
    "a name that is none": (START, orjson.dumps(start(new_id(), name=None))),
    "deeper than JSON is read": (END, orjson.dumps(end(new_id()))[:-1] + b',"more":' + deep(2000) + b"}"),
}


@pytest.mark.parametrize("what", NO_RECORDS)
def test_what_is_no_record_is_left_out_and_counted_and_those_around_it_are_stored(store: Path, what: str) -> None:
    kind, body = NO_RECORDS[what]
    segment = written_around(store, kind, body)
    assert [one.unreadable for one in checked(store).segments] == [1]
    open_store(store)
    assert [run["status"] for run in runs_of(store)] == ["ok", "ok"]
    after = checked(store)
    ((record, reason),) = after.dropped
    assert record == kind.name.lower() and reason.startswith("not indexed: ")
    assert segments_of(store) == [] and segment.with_name(f"{segment.name}.damaged").exists(), "nothing is thrown away"
    assert any(segment.name in problem for problem in after.problems)


def test_what_turns_out_unfit_only_when_it_is_stored_is_left_out_by_itself(store: Path) -> None:
    written_around(store, END, orjson.dumps(end(new_id(), cached={"a": 1})))
    open_store(store)
    assert [run["status"] for run in runs_of(store)] == ["ok", "ok"]
    assert checked(store).dropped == {("end", "not indexed: ProgrammingError"): 1}


TAKEN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a batch of the user's": ({"metadata": {"toolrun": {"batch": [1]}}}, {"batch": None, "line": None}),
    "a line that is too large": (
        {"metadata": {"toolrun": {"batch": "b", "line": 2**63}}},
        {"batch": None, "line": None},
    ),
    "a session that was cut": ({"session": {"cut": "x", "bytes": 9}}, {"session": None}),
    "tags that are no texts": ({"tags": [None, "a", 5]}, {"tags": [None, "a", 5]}),
    "tags that are no list": ({"tags": {"cut": "[", "bytes": 9}}, {"tags": {"cut": "[", "bytes": 9}}),
}


@pytest.mark.parametrize("what", TAKEN)
def test_what_users_may_give_is_stored_whatever_it_is(store: Path, what: str) -> None:
    fields, wanted = TAKEN[what]
    written_around(store, START, orjson.dumps(start(new_id(), **fields)))
    open_store(store)
    run = runs_of(store)[1]
    assert wanted.items() <= run.items() and run["inputs"] == {"n": 1}
    assert checked(store).problems == []


def test_a_value_nested_deeper_than_it_can_be_written_again_is_stored_as_far_as_it_can(store: Path) -> None:
    body = orjson.dumps(end(new_id(), output=0)).replace(b'"output":0', b'"output":' + deep(400))
    written_around(store, END, body)
    open_store(store)
    assert [run["status"] for run in runs_of(store)] == ["ok"] * 3
    assert '"..."' in orjson.dumps(runs_of(store)[1]["output"]).decode()


# ── damage in the midst of a segment ───────────────────────────────────────────────────────────────────


def segment_of(store: Path, runs: int) -> Path:
    journal = Journal(store)
    for _ in range(runs):
        run_id = new_id()
        journal.write(START, orjson.dumps(start(run_id)))
        journal.write(END, orjson.dumps(end(run_id)))
    journal.close()
    (segment,) = segments_of(store)
    return segment


def flip(segment: Path, at: int) -> None:
    data = bytearray(segment.read_bytes())
    data[at] ^= 0xFF
    segment.write_bytes(data)


@pytest.mark.parametrize("part", [0, 3, 5, 9, 16, 17, 40, -1])
def test_a_damaged_byte_costs_the_record_it_is_in_and_none_behind_it(store: Path, part: int) -> None:
    segment = segment_of(store, 3)
    before, broken = [one for one in frames_of(segment) if one.kind == START][1], frames_of(segment)[5]
    assert broken.kind == END
    size = broken.end - before.end
    flip(segment, before.end + part % size)
    whole = segment.read_bytes()
    assert [one.damaged_bytes for one in checked(store).segments] == [size]
    with open_store(store) as opened:
        assert opened.recovered.cut_bytes == size
    assert [run["status"] for run in runs_of(store)] == ["ok", "interrupted", "ok"]
    after = checked(store)
    assert after.dropped == {("unknown", "not indexed: damaged"): 1} and after.cut_bytes == size
    kept = segment.with_name(f"{segment.name}.damaged")
    assert kept.read_bytes() == whole and after.problems, "it is kept as it is, and said"


def test_damage_at_the_end_of_a_segment_is_a_torn_tail(store: Path) -> None:
    segment = segment_of(store, 2)
    closing = frames_of(segment)[-1]
    segment.write_bytes(segment.read_bytes()[: closing.end - len(closing.body) - 17 - 3])
    open_store(store)
    assert [run["status"] for run in runs_of(store)] == ["ok", "interrupted"]
    after = checked(store)
    assert not after.dropped and not after.problems and after.cut_bytes


def test_a_segment_whose_beginning_is_damaged_is_read_all_the_same(store: Path) -> None:
    flip(segment_of(store, 2), 30)
    open_store(store)
    assert [run["status"] for run in runs_of(store)] == ["ok", "ok"]


def test_a_file_of_others_in_the_journal_is_left_alone(store: Path) -> None:
    segment = segment_of(store, 1)
    junk = segment.with_name("junk.journal")
    junk.write_bytes(b"not ours")
    open_store(store)
    assert junk.read_bytes() == b"not ours" and len(runs_of(store)) == 1


def test_what_has_the_name_of_a_segment_and_is_none_is_kept_aside(store: Path) -> None:
    segment = segment_of(store, 1)
    junk = segment.with_name(f"{new_id()}.journal")
    junk.write_bytes(b"not ours")
    open_store(store)
    assert junk.with_name(f"{junk.name}.damaged").read_bytes() == b"not ours" and len(runs_of(store)) == 1


def test_a_segment_of_a_later_release_is_refused_and_nothing_is_changed(store: Path) -> None:
    segment = segment_of(store, 1)
    opening = frames_of(segment)[0]
    later = orjson.dumps({**orjson.loads(opening.body), "version": 2})
    segment.write_bytes(frame(0, FrameKind.OPEN, later) + segment.read_bytes()[opening.end :])
    there = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    with pytest.raises(NewerStore, match="version 2"):
        open_store(store)
    assert there.items() <= {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}.items()
    assert not list(store.glob("*.db"))
