"""What the console tracer says."""

from __future__ import annotations

import re
from typing import Any

import pytest

from toolrun.tracers import ConsoleCallbackHandler, FunctionCallbackHandler


def told(sync_tracer: Any, scenario: Any) -> list[str]:
    lines: list[str] = []
    sync_tracer.run(scenario, [FunctionCallbackHandler(lines.append, color=False)])
    return [re.sub(r"\[\d+ms\]", "[0ms]", line) for line in lines]


def test_every_run_is_told_with_the_way_to_it(sync_tracer: Any) -> None:
    async def scenario(manager: Any) -> None:
        chain = await manager.on_chain_start({"name": "agent"}, {"input": "why?"})
        tool = await (await chain.get_child()).on_tool_start({"name": "search"}, "why")
        await tool.on_tool_error(ValueError("down"))
        await chain.on_chain_end({"answer": 42, "sure": False})

    entering, tool_entering, tool_error, exiting = told(sync_tracer, scenario)
    assert entering == '[chain/start] [chain:agent] Entering Chain run with input:\n"why?"'
    assert tool_entering == '[tool/start] [chain:agent > tool:search] Entering Tool run with input:\n"why"'
    assert tool_error.startswith(
        "[tool/error] [chain:agent > tool:search] [0ms] Tool run errored with error:\nValueError('down')"
    )
    assert exiting == (
        '[chain/end] [chain:agent] [0ms] Exiting Chain run with output:\n{\n  "answer": 42,\n  "sure": false\n}'
    )


def test_a_tool_with_named_arguments_is_told_as_well(sync_tracer: Any) -> None:
    async def scenario(manager: Any) -> None:
        await (await manager.on_tool_start({"name": "add"}, "{'a': 1}", inputs={"a": 1})).on_tool_end(object)

    start, end = told(sync_tracer, scenario)
    assert start.endswith('{\n  "a": 1\n}')
    assert end.endswith('{\n  "output": "<class \'object\'>"\n}')


def test_color_is_for_terminals(
    sync_tracer: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(manager: Any) -> None:
        await (await manager.on_tool_start({"name": "t"}, "x")).on_tool_end(1)

    sync_tracer.run(scenario, [ConsoleCallbackHandler()])
    assert "\033" not in capsys.readouterr().out
    sync_tracer.run(scenario, [ConsoleCallbackHandler(color=True)])
    assert "\033[32;1m[tool/start]\033[0m" in capsys.readouterr().out
