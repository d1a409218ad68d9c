"""Run ids are standard UUIDs that sort by time."""

from __future__ import annotations

import pickle
import uuid

from toolrun._ids import new_run_id, now


def test_an_id_is_a_standard_uuid_of_version_7() -> None:
    run_id = new_run_id()
    assert type(run_id) is uuid.UUID
    assert run_id.version == 7
    assert run_id.is_safe is uuid.SafeUUID.unknown
    assert pickle.loads(pickle.dumps(run_id)) == run_id == uuid.UUID(str(run_id))


def test_ids_carry_their_time_in_milliseconds() -> None:
    before = int(now() * 1000)
    run_id = new_run_id()
    after = int(now() * 1000)
    assert before <= run_id.int >> 80 <= after


def test_ids_are_unique() -> None:
    assert len({new_run_id() for _ in range(10_000)}) == 10_000
