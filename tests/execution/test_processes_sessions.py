"""Sessions in worker processes: their tools are made in one worker and live there."""

from __future__ import annotations

import asyncio
import os
from contextvars import copy_context
from functools import partial
from typing import Any

import pytest

from toolrun.callbacks.context import current_run
from toolrun.execution.body import Body
from toolrun.execution.errors import SessionLost, ToolTimeout, WorkerCrashed
from toolrun.execution.job import Job
from toolrun.execution.processes.sessions import Member

pytestmark = pytest.mark.timeout(30)


class Account:
    """Made in a worker, once a session; it cannot be pickled."""

    def __init__(self, balance: int) -> None:
        self.balance = balance
        self.lock = open(os.devnull)  # noqa: SIM115

    def deposit(self, amount: int) -> int:
        self.balance += amount
        return self.balance

    async def adeposit(self, amount: int) -> int:
        run: Any = current_run()
        assert run is None
        await asyncio.sleep(0)
        return self.deposit(amount)

    def pid(self) -> int:
        return os.getpid()

    def die(self) -> None:
        os._exit(1)

    def hang(self) -> None:
        while True:
            pass


def account(balance: int) -> Any:
    made = Account(balance)
    names = ("deposit", "adeposit", "pid", "die", "hang")
    return {name: getattr(made, name) for name in names}


def names_of(tools: Any) -> list[str]:
    return sorted(tools)


def refuse() -> Any:
    raise LookupError("no account")


class Bank:
    """Sessions with the account of each, on either driver."""

    def __init__(self, engine: Any, driver: Any) -> None:
        self.engine, self.driver = engine, driver

    def open(self, session: Any, factory: Any, describe: Any = None) -> Any:
        return self.driver.open_session(self.engine, session, factory, describe)

    def call(self, session: Any, name: str, *args: Any, timeout: float | None = None) -> Any:
        job = self._job(session, name, args, timeout)
        return self.driver.run(self.engine.arun(job)) if self.driver.is_async else self.engine.run(job)

    def _job(self, session: Any, name: str, args: Any, timeout: float | None) -> Job:
        body = Body(Member(session, name))
        return Job(body, args, {}, copy_context(), name=name, timeout=timeout, session=session)


@pytest.fixture
def bank(new_engine: Any, driver: Any) -> Bank:
    return Bank(new_engine(2), driver)


def test_a_session_keeps_its_state_in_one_worker(bank: Bank) -> None:
    assert bank.open("a", partial(account, 100), names_of) == ["adeposit", "deposit", "die", "hang", "pid"]
    bank.open("b", partial(account, 0))
    assert [bank.call("a", "deposit", 1), bank.call("b", "deposit", 1), bank.call("a", "adeposit", 1)] == [101, 1, 102]
    assert len({bank.call("a", "pid") for _ in range(5)} | {os.getpid()}) == 2


def test_many_sessions_share_few_workers(bank: Bank) -> None:
    for one in range(10):
        bank.open(one, partial(account, one))
    assert [bank.call(one, "deposit", 1) for one in range(10)] == list(range(1, 11))
    assert bank.engine.workers == 3


def test_what_the_factory_raises_is_raised_and_the_session_can_be_opened_again(bank: Bank) -> None:
    with pytest.raises(LookupError, match="no account"):
        bank.open("a", refuse)
    bank.open("a", partial(account, 1))
    assert bank.call("a", "deposit", 1) == 2


@pytest.mark.parametrize(("name", "timeout", "outcome"), [("die", None, WorkerCrashed), ("hang", 0.1, ToolTimeout)])
def test_a_session_whose_worker_is_gone_is_lost_and_the_others_are_not(
    bank: Bank, name: str, timeout: float | None, outcome: Any
) -> None:
    bank.open("a", partial(account, 1))
    bank.open("b", partial(account, 10))
    with pytest.raises(outcome):
        bank.call("a", name, timeout=timeout)
    for _ in range(2):
        with pytest.raises(SessionLost) as raised:
            bank.call("a", "deposit", 1)
    assert raised.value.session == "a"
    assert bank.call("b", "deposit", 1) == 11


def test_a_lost_session_can_be_closed_and_opened_anew(bank: Bank) -> None:
    bank.open("a", partial(account, 1))
    with pytest.raises(WorkerCrashed):
        bank.call("a", "die")
    bank.engine.close_session("a")
    bank.open("a", partial(account, 5))
    assert bank.call("a", "deposit", 1) == 6


def test_a_closed_session_is_forgotten_in_its_worker(bank: Bank) -> None:
    bank.open("a", partial(account, 1))
    pid = bank.call("a", "pid")
    bank.engine.close_session("a")
    kept = [bank.engine.run(Job(Body(sessions_here), (), {}, copy_context())) for _ in range(3)]
    assert (pid, []) in kept


def sessions_here() -> tuple[int, list[Any]]:
    from toolrun.execution.processes import sessions

    return os.getpid(), list(sessions._sessions)


def test_calls_that_wait_for_a_sessions_worker_are_lost_with_it(new_engine: Any, async_driver: Any) -> None:
    bank = Bank(new_engine(2), async_driver)
    engine = bank.engine

    async def all_at_once() -> list[Any]:
        await engine.aopen_session("a", partial(account, 1))
        jobs = [bank._job("a", name, args, None) for name, args in (("die", ()), ("deposit", (1,)), ("deposit", (1,)))]
        return await asyncio.gather(*map(engine.arun, jobs), return_exceptions=True)

    results = async_driver.run(all_at_once())
    assert [type(each) for each in results] == [WorkerCrashed, SessionLost, SessionLost]


def test_calls_without_a_session_keep_away_from_its_worker(bank: Bank) -> None:
    bank.open("a", partial(account, 1))
    home = bank.call("a", "pid")
    others = {bank.engine.run(Job(Body(os.getpid), (), {}, copy_context())) for _ in range(10)}
    assert home not in others
