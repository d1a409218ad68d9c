"""Tracers see what the run saw: its inputs, its name, and what a model had said before it failed."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest


class Partial:
    """What a model had said when it failed."""

    generations: list[Any] = []  # noqa: RUF012 read only
    llm_output = None

    def model_dump(self, **_: Any) -> dict[str, Any]:
        return {"generations": [], "said": "so far"}


def work(x: int) -> int:
    """Works."""
    return x


@pytest.mark.defect(22)
def test_the_console_shows_the_input_of_a_tool(
    lib: Any, driver: Any, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    driver.invoke(lib.tool(work), {"x": 41}, {"callbacks": [lib.ConsoleCallbackHandler()]})

    assert "41" in capsys.readouterr().out
    assert caplog.text == ""


@pytest.mark.defect(22)
def test_an_async_tracer_knows_the_name_of_the_run(lib: Any, async_driver: Any) -> None:
    traces: list[Any] = []

    class Collecting(lib.AsyncBaseTracer):  # type: ignore[misc, name-defined]
        async def _persist_run(self, run: Any) -> None:
            traces.append(run)

    async_driver.invoke(lib.tool(work), {"x": 1}, {"callbacks": [Collecting()], "run_name": "morning round"})

    assert [run.name for run in traces] == ["morning round"]


@pytest.mark.defect(22)
def test_an_async_tracer_keeps_what_a_model_had_said_before_it_failed(lib: Any, async_driver: Any) -> None:
    traces: list[Any] = []

    class Collecting(lib.AsyncBaseTracer):  # type: ignore[misc, name-defined]
        async def _persist_run(self, run: Any) -> None:
            traces.append(run)

    async def scenario() -> None:
        tracer, run_id = Collecting(), uuid4()
        await tracer.on_llm_start({"name": "model"}, ["a prompt"], run_id=run_id)
        await tracer.on_llm_error(ValueError("cut off"), run_id=run_id, response=Partial())

    async_driver.run(scenario())
    (run,) = traces
    assert run.outputs is not None
    assert run.outputs["said"] == "so far"
