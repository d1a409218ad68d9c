"""One record that cannot be stored costs the store nothing but that record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.store.journals import runs_of
from tests.store.test_indexer import end, new_id, start

from toolrun.store import open_store
from toolrun.store._frames import FrameKind
from toolrun.store._reading import segments_of
from toolrun.store.check import Checked, check
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
