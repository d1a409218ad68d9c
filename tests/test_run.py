"""A run ends once, with the status that its exception means."""

from __future__ import annotations

import asyncio

import pytest

from toolrun.errors import ControlFlow, register_control_flow
from toolrun.run import RunState, RunStatus, status_of


def test_a_run_ends_once_and_keeps_its_first_status() -> None:
    run = RunState()
    assert run.end(RunStatus.TIMEOUT)
    assert not run.end(RunStatus.OK)
    assert run.status is RunStatus.TIMEOUT


class Registered(Exception):
    pass


class NamesItsStatus(Exception):
    run_status = RunStatus.DENIED


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError(), RunStatus.ERROR),
        (SystemExit(), RunStatus.ERROR),
        (asyncio.CancelledError(), RunStatus.CANCELLED),
        (KeyboardInterrupt(), RunStatus.CANCELLED),
        (GeneratorExit(), RunStatus.CANCELLED),
        (ControlFlow(), RunStatus.PAUSED),
        (NamesItsStatus(), RunStatus.DENIED),
    ],
)
def test_an_exception_has_its_status(error: BaseException, status: RunStatus) -> None:
    assert status_of(error) is status


def test_a_foreign_exception_pauses_once_it_is_registered() -> None:
    assert status_of(Registered()) is RunStatus.ERROR
    register_control_flow(Registered)
    register_control_flow(Registered)
    assert status_of(Registered()) is RunStatus.PAUSED


def test_langgraphs_interrupt_pauses_without_registration() -> None:
    bubble_up = type("GraphBubbleUp", (Exception,), {"__module__": "langgraph.errors"})
    interrupt = type("GraphInterrupt", (bubble_up,), {"__module__": "langgraph.errors"})
    assert status_of(interrupt()) is RunStatus.PAUSED


@pytest.mark.parametrize("status", RunStatus)
def test_a_run_that_was_cancelled_or_ran_out_of_time_is_asked_to_stop(status: RunStatus) -> None:
    run = RunState()
    run.end(status)
    assert run.cancelled is (status in {RunStatus.CANCELLED, RunStatus.TIMEOUT})
