"""Sessions under the process engine: each lives in one worker, and gives what it would give in threads."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest

from toolrun import CallRequest, CallResult, SessionLost, ToolRunner, tool
from toolrun.callbacks import current_run
from toolrun.execution.processes.engine import PROCESSES
from toolrun.run import RunStatus, StoppedBy
from toolrun.testing import RecordingHandler
from toolrun.tools import InjectedToolCallId


class Refused(Exception):
    """An exception that cannot be made again from its arguments."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"{why} ({code})")


class Account:
    """A session's tools, with a state of their own."""

    def __init__(self, owner: Any) -> None:
        self.owner, self.balance, self.log = owner, 0, ["opened"]
        self.lock = threading.Lock()

    def deposit(self, amount: int) -> int:
        """Pay in.

        Args:
            amount: how much
        """
        self.balance += amount
        self.log.append(f"+{amount}")
        return self.balance

    async def adeposit(self, amount: int) -> int:
        """Pay in."""
        await asyncio.sleep(0)
        return self.deposit(amount)

    def history(self) -> list[str]:
        """Give the very list that the next deposit changes."""
        return self.log

    def steps(self, to: int) -> Iterator[int]:
        """Count."""
        yield from range(1, to + 1)

    def process(self) -> int:
        """Say where it runs."""
        return os.getpid()

    def key(self) -> Any:
        """Give what cannot leave its process."""
        return self.lock

    def both(self) -> set[int]:
        """Give what is no JSON."""
        return {7}

    def id(self, tool_call_id: Annotated[str, InjectedToolCallId]) -> str:
        """Say which call this is."""
        return tool_call_id

    def shout(self, text: str) -> None:
        """Tell it."""
        current_run().on_text(text)  # type: ignore[union-attr]

    def die(self) -> None:
        """End the process."""
        os._exit(3)

    def hang(self) -> None:
        """Never end."""
        while True:
            pass

    def refuse(self) -> None:
        """Raise what cannot travel."""
        raise Refused(7, "no money")

    def fail(self) -> None:
        """Raise."""
        raise LookupError(f"{self.owner} has none")


async def an_account(owner: Any) -> Account:
    """An async factory."""
    await asyncio.sleep(0)
    return Account(owner)


def decorated(owner: Any) -> list[Any]:
    """A factory whose tools share a variable."""
    taken: list[int] = []

    @tool
    def take(number: int) -> list[int]:
        """Take a number."""
        taken.append(number)
        return taken

    return [take]


def closure(step: int) -> Any:
    """A factory that no import leads to."""

    def factory(owner: Any) -> Any:
        amounts: list[int] = []

        def deposit(amount: int) -> int:
            amounts.append(step * amount)
            return sum(amounts)

        return [deposit]

    return factory


def broken(owner: Any) -> Any:
    """A factory that fails."""
    raise ConnectionError("no bank")


def call(name: str, session: Any = "a", /, **arguments: Any) -> CallRequest:
    return CallRequest(name, arguments, None, session)


def runner(factory: Any = Account, **options: Any) -> ToolRunner:
    return ToolRunner(factory, engine="processes", **options)


def facts(result: CallResult) -> dict[str, Any]:
    told = json.loads(result.line)
    return {key: told.get(key) for key in ("id", "session", "name", "status", "output", "json_exact", "error")}


SCRIPT = [
    *(call("deposit", name, amount=amount) for amount in (1, 2) for name in ("a", "b")),
    *(call("history", "a"), call("deposit", "a", amount="3"), call("deposit", "a", amount="many")),
    *(call("adeposit", "a", amount=4), call("history", "a"), call("steps", "b", to=3), call("both", "b")),
    *(
        call("fail", "b"),
        call("refuse", "b"),
        call("depossit", "b"),
        call("id", "b"),
        call("deposit", "b", amount=1, to="x"),
    ),
]


def test_results_are_those_of_threads_written_down_before_the_next_call() -> None:
    in_threads, in_workers = ToolRunner(Account).run_all(SCRIPT), runner().run_all(SCRIPT)
    assert list(map(facts, in_workers)) == list(map(facts, in_threads))


def test_a_session_lives_in_one_worker_and_not_here() -> None:
    outputs = [result.output for result in runner().run_all([call("process")] * 5)]
    assert len({*outputs}) == 1
    assert os.getpid() not in outputs


def test_batches_do_not_share_sessions_of_one_name() -> None:
    both = runner()
    assert [both.run_all([call("deposit", amount=1)])[0].output for _ in range(2)] == [1, 1]


def test_workers_forget_sessions_at_the_end_of_the_batch() -> None:
    runner().run_all([call("deposit", name, amount=1) for name in "abc"])
    assert not any(worker.sessions for worker in PROCESSES._pool.workers())


@pytest.mark.parametrize("factory", [an_account, closure(1), Account])
def test_a_factory_may_be_async_or_a_closure_or_a_class(factory: Any) -> None:
    results = runner(factory).run_all([call("deposit", amount=1), call("deposit", amount=1)])
    assert [result.output for result in results] == [1, 2]


def test_tools_made_by_a_factory_keep_their_state_in_the_worker() -> None:
    results = runner(decorated).run_all([call("take", number="1"), call("take", number=2), call("take", number="x")])
    assert [facts(result)["output"] for result in results] == [[1], [1, 2], None]
    assert results[2].error == {
        "type": "ValidationError",
        "message": "number: Input should be a valid integer, unable to parse string as an integer; came 'x' (str)",
    }


def test_a_factory_that_fails_fails_the_calls_of_its_session() -> None:
    results = runner(broken).run_all([call("deposit", amount=1)] * 2)
    message = "the tools of session 'a' could not be made: ConnectionError: no bank"
    assert [result.error for result in results] == [{"type": "SessionFailed", "message": message}] * 2


def test_what_cannot_leave_its_worker_is_shown() -> None:
    [result] = runner().run_all([call("key")])
    told = json.loads(result.line)
    assert (told["status"], told["json_exact"]) == ("ok", False)
    assert told["output"].startswith("<unlocked _thread.lock")


def test_a_session_whose_worker_died_is_lost_and_others_go_on() -> None:
    results = runner().run_all(
        [call("deposit", amount=1), call("die"), call("deposit", amount=1), call("history", "b")]
    )
    assert [result.status for result in results[:3]] == [RunStatus.OK, RunStatus.CRASHED, RunStatus.CRASHED]
    assert isinstance(results[2].exception, SessionLost)
    assert "'a' is lost" in str(results[2].exception)


def test_a_session_that_dies_in_its_factory_has_crashed() -> None:
    results = runner(lambda owner: os._exit(4)).run_all([call("deposit", amount=1)])
    assert [result.status for result in results] == [RunStatus.CRASHED]
    assert results[0].error is not None
    assert "exit code 4" in results[0].error["message"]


def test_a_timeout_kills_the_worker_and_says_so() -> None:
    hung, lost = runner(timeout=0.05).run_all([call("hang"), call("deposit", amount=1)])
    assert (hung.status, hung.stopped_by) == (RunStatus.TIMEOUT, StoppedBy.KILL)
    assert json.loads(hung.line)["stopped_by"] == "kill"
    assert isinstance(lost.exception, SessionLost)


def test_handlers_hear_what_a_session_tells_and_its_arguments() -> None:
    handler = RecordingHandler()
    runner(callbacks=[handler]).run_all([call("shout", text="hear!")])
    assert [event.name for event in handler.events] == ["on_tool_start", "on_text", "on_tool_end"]


def test_functions_run_in_workers_too_and_give_what_they_give_in_threads() -> None:
    calls = [CallRequest("where", {}, "1"), CallRequest("odd", {}, "2"), CallRequest("nothing", {}, "3")]
    where, odd, nothing = ToolRunner(NAMED, engine="processes").run_all(calls)
    assert where.output != os.getpid()
    assert (facts(odd)["output"], facts(odd)["json_exact"]) == ("{1}", False)
    assert (nothing.ok, facts(nothing)["json_exact"]) == (True, False)


def where_() -> int:
    """Say where it runs."""
    return os.getpid()


def odd_() -> set[int]:
    """Give what is no JSON."""
    return {1}


def nothing_() -> Any:
    """Give what cannot be sent."""
    return threading.Lock()


NAMED = {"where": where_, "odd": odd_, "nothing": nothing_}


def test_a_value_that_depends_on_settings_of_the_worker_is_shown_as_it_is_there(
    tmp_path: Path, monkeypatch: Any
) -> None:
    (tmp_path / "fractions_.py").write_text(
        "digits = 9\n"
        "class Number:\n"
        "    def __init__(self, value): self.value = value\n"
        "    def __repr__(self): return f'{self.value:.{digits}f}'\n"
        "def third():\n"
        "    global digits\n"
        "    digits = 2\n"
        "    return Number(1 / 3)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import fractions_  # type: ignore[import-not-found]

    [result] = ToolRunner([fractions_.third], engine="processes").run_all([CallRequest("third", {}, "1")])
    del sys.modules["fractions_"]
    assert (facts(result)["output"], repr(result.output)) == ("0.33", "0.333333333")
