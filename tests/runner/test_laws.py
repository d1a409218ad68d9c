"""Laws of a batch, for any mix of calls: a result for every call, exactly one; a session's calls in their order."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from toolrun import CallRequest, CallResult, ToolRunner
from toolrun.testing import RecordingHandler


class Log:
    """A session's tools: each notes that it ran, then ends in its own way."""

    def __init__(self, session: Any) -> None:
        if session == "broken":
            raise LookupError(session)
        self.seen: list[int] = []

    def note(self, number: int) -> list[int]:
        """Note the number."""
        self.seen.append(number)
        return self.seen

    async def anote(self, number: int) -> list[int]:
        """Note the number, after a while."""
        await asyncio.sleep(0)
        return self.note(number)

    def fail(self, number: int) -> None:
        """Note the number and fail."""
        self.note(number)
        raise SystemExit(number)

    async def give_up(self, number: int) -> None:
        """Note the number and cancel itself."""
        self.note(number)
        raise asyncio.CancelledError


NOTED = ("note", "anote", "fail", "give_up")
KINDS = st.sampled_from([*NOTED, "unknown", "invalid"])
SESSIONS = st.sampled_from(["a", "b", "c", "broken"])
PLANS = st.lists(st.tuples(SESSIONS, KINDS), max_size=25)


def requests(plan: list[tuple[str, str]]) -> list[CallRequest]:
    return [
        CallRequest("note", {"number": "many"}, "same", session)
        if kind == "invalid"
        else CallRequest(kind, {"number": number}, "same", session)
        for number, (session, kind) in enumerate(plan)
    ]


@given(plan=PLANS, concurrency=st.integers(1, 4))
def test_every_call_has_one_result_and_every_session_its_own_order(
    plan: list[tuple[str, str]], concurrency: int
) -> None:
    handler = RecordingHandler()
    results = asyncio.run(ToolRunner(Log, concurrency=concurrency, callbacks=[handler]).arun_all(requests(plan)))
    assert [result.position for result in results] == list(range(len(plan)))
    for result, (session, kind) in zip(results, plan, strict=True):
        before = [n for n, (s, k) in enumerate(plan[: result.position + 1]) if s == session and k in NOTED]
        assert result.ok == (kind in ("note", "anote") and session != "broken")
        if result.ok:
            assert json.loads(result.line)["output"] == before
    for result in filter(lambda result: result.run_id, results):
        assert [event.name for event in handler.of(result.run_id)] == [
            "on_tool_start",
            "on_tool_end" if result.ok else "on_tool_error",
        ]


@given(plan=PLANS, concurrency=st.integers(1, 4), after=st.integers(0, 10))
def test_a_batch_that_is_stopped_anywhere_gives_each_call_it_read_one_result(
    plan: list[tuple[str, str]], concurrency: int, after: int
) -> None:
    async def main() -> list[CallResult]:
        batch = ToolRunner(Log, concurrency=concurrency).batch()
        results: list[CallResult] = []
        async for result in batch.results(requests(plan)):
            results.append(result)
            if len(results) == after:
                batch.stop()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return results

    positions = sorted(result.position for result in asyncio.run(main()))
    assert positions == list(range(len(positions)))
    assert len(positions) == len(plan) or after <= len(plan)
