"""The record of one run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from toolrun.tracers import Run

START = datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC)


def test_ids_may_be_given_as_text() -> None:
    run_id = uuid4()
    run = Run(id=str(run_id), start_time=START, parent_run_id=str(run_id))  # type: ignore[arg-type]
    assert isinstance(run.id, UUID)
    assert run.parent_run_id == run_id


def test_a_run_is_named_by_what_it_runs() -> None:
    def named(**facts: object) -> str:
        return Run(id=uuid4(), start_time=START, **facts).name  # type: ignore[arg-type]

    assert named(serialized={"name": "search"}) == "search"
    assert named(serialized={"id": ["models", "parrot"]}) == "parrot"
    assert named(serialized=None) == "Unnamed"
    assert named(name="mine", serialized={"name": "search"}) == "mine"


def test_its_order_is_its_start_and_its_id() -> None:
    run = Run(id=uuid4(), start_time=START)
    assert run.dotted_order == f"20260102T030405000600Z{run.id}"
    assert f"dotted_order={run.dotted_order!r}" in repr(run)


def test_its_latency_is_known_when_it_has_ended() -> None:
    run = Run(id=uuid4(), start_time=START)
    assert run.latency is None
    run.end_time = START + timedelta(milliseconds=250)
    assert run.latency == 0.25
