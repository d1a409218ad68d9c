"""Calls that need approval."""

from __future__ import annotations

import asyncio
import pickle
from typing import Annotated, Any

import pytest
from tests.tools.policed import CALL, Fails, both_bodies, made

from toolrun import InvalidPolicy, ToolDenied, ToolRunner, ToolTimeout, tool
from toolrun.execution import approval
from toolrun.run import RunStatus, StoppedBy
from toolrun.testing import RecordingHandler
from toolrun.tools import Secret

pytestmark = pytest.mark.usefixtures("patience")


def approve_sync(name: str, arguments: dict[str, Any]) -> Any:
    return arguments["x"] > 0 or "x is too small"


async def approve_async(name: str, arguments: dict[str, Any]) -> Any:
    await asyncio.sleep(0)
    return arguments["x"] > 0 or "x is too small"


@both_bodies
@pytest.mark.parametrize("approve", [approve_sync, approve_async])
def test_a_call_runs_if_it_is_approved_and_else_is_denied(driver: Any, is_async: bool, approve: Any) -> None:
    body, handler = Fails(0), RecordingHandler()
    tool = made(body, is_async, requires_approval=approve)
    assert driver.invoke(tool, {"x": 1}) == 1
    with pytest.raises(ToolDenied, match="x is too small"):
        driver.invoke(tool, {"x": 0}, {"callbacks": [handler]})
    assert body.calls == 1
    assert handler.names == ["on_tool_start", "on_tool_error"]
    assert handler.events[1].payload[0].run_status is RunStatus.DENIED


@pytest.mark.parametrize("answer", [False, None, "no", 1, "yes"])
def test_only_true_approves(driver: Any, answer: Any) -> None:
    with pytest.raises(ToolDenied):
        driver.invoke(made(len, False, requires_approval=lambda name, arguments: answer), {"x": 1})


def test_whoever_approves_does_not_see_secrets(driver: Any) -> None:
    seen = []

    @tool(requires_approval=lambda name, arguments: seen.append((name, arguments)))
    def secretive(key: Annotated[str, Secret], x: int) -> None:
        """Keep a secret."""

    with pytest.raises(ToolDenied):
        driver.invoke(secretive, {"key": "hush", "x": "3"})
    [(name, arguments)] = seen
    assert (name, arguments["x"]) == ("secretive", 3)
    assert "hush" not in repr(arguments)


def test_where_nobody_can_be_asked_a_call_is_denied(driver: Any) -> None:
    message = driver.invoke(made(len, False, requires_approval=True, handle_tool_error=True), CALL)
    assert message.status == "error"
    assert "nobody to ask" in message.content


def test_the_user_at_the_terminal_is_asked(driver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approval, "_at_terminal", lambda name, arguments: arguments == {"x": 1})
    asks = made(lambda x: x, False, requires_approval=True)
    assert driver.invoke(asks, {"x": 1}) == 1
    with pytest.raises(ToolDenied):
        driver.invoke(asks, {"x": 2})


def test_a_denied_call_is_a_result(driver: Any) -> None:
    runner = ToolRunner([made(len, False, requires_approval=True)])
    [result] = driver.run_all(runner, [{"id": 1, "name": "work", "arguments": {"x": 1}}])
    assert result.status is RunStatus.DENIED


def test_errors_of_policies_survive_a_pickle() -> None:
    for error in (ToolTimeout("t", 1.5, StoppedBy.KILL), ToolDenied("t", "no"), InvalidPolicy("t", "bad", "Mend it")):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
