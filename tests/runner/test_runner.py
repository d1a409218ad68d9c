"""What runners take, and what their handlers hear."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.runner.counting import adouble, call, double

from toolrun import CallRequest, ToolRunner
from toolrun.callbacks import BaseCallbackHandler, current_run
from toolrun.errors import UnknownEvent
from toolrun.testing import AsyncRecordingHandler, RecordingHandler


@pytest.mark.parametrize("kind", [RecordingHandler, AsyncRecordingHandler])
def test_handlers_hear_every_run_with_the_id_of_its_call_and_its_session(driver: Any, kind: Any) -> None:
    handler = kind()
    runner = ToolRunner([double], callbacks=[handler], tags=["batch"])
    results = driver.run_all(runner, [call("double", f"s-{x}", f"c-{x}", x=x) for x in range(3)])
    for x, result in enumerate(results):
        start, end = handler.of(result.run_id)
        assert (start.name, end.name) == ("on_tool_start", "on_tool_end")
        assert (start.keywords["tool_call_id"], end.keywords["tool_call_id"]) == (f"c-{x}", f"c-{x}")
        assert start.keywords["metadata"] == {"session": f"s-{x}"}
        assert start.keywords["tags"] == ["batch"]


def test_background_handlers_have_had_everything_when_the_batch_ends(driver: Any) -> None:
    class Slow(RecordingHandler):
        background = True

    handler = Slow()
    driver.run_all(ToolRunner([double], callbacks=[handler]), [call("double", x=x) for x in range(50)])
    assert [handler.names.count(event) for event in ("on_tool_start", "on_tool_end")] == [50, 50]


def test_a_run_of_a_batch_is_the_current_run_of_its_tool(driver: Any) -> None:
    def who() -> str:
        """Say which run this is."""
        run = current_run()
        assert run is not None
        return str(run.run_id)

    [result] = driver.run_all(ToolRunner([who]), [call("who")])
    assert result.output == str(result.run_id)


def test_run_all_works_inside_a_running_loop(async_driver: Any) -> None:
    async def main() -> Any:
        return ToolRunner([adouble]).run_all([call("adouble", x=2)])[0].output

    assert async_driver.run(main()) == 4


def test_a_handler_that_misspells_an_event_is_refused_when_the_runner_is_made() -> None:
    class Misspelt(BaseCallbackHandler):
        def on_tol_end(self, output: Any, **kwargs: Any) -> None: ...

    with pytest.raises(UnknownEvent, match="Did you mean 'on_tool_end'"):
        ToolRunner([double], callbacks=[Misspelt()])


@pytest.mark.parametrize("concurrency", [0, -1, 1.5, None, "2"])
def test_a_concurrency_that_is_no_number_of_slots_is_refused(concurrency: Any) -> None:
    with pytest.raises(ValueError, match=f"a whole number of at least 1, not {concurrency!r}"):
        ToolRunner([double], concurrency=concurrency)


@pytest.mark.parametrize("calls", [{"name": "double"}, CallRequest("double", {"x": 1}), "double", None])
def test_one_call_where_many_are_taken_is_refused_and_says_what_to_do(driver: Any, calls: Any) -> None:
    with pytest.raises(TypeError, match=r"a runner takes many calls; .* is not a list: put it into one"):
        driver.run_all(ToolRunner([double]), calls)


@pytest.mark.parametrize(("given", "kept"), [("24", "24"), (24, 24), ([24], None), (None, None)])
def test_a_call_that_cannot_be_read_keeps_its_id_where_that_can_be_read(driver: Any, given: Any, kept: Any) -> None:
    [result] = driver.run_all(ToolRunner([double]), [{"id": given, "name": 5}])
    assert (result.id, result.error["type"], json.loads(result.line)["id"]) == (kept, "MalformedCall", kept)
