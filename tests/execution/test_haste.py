"""Haste: the switch interval is short while somebody waits for an overdue answer, and then what it was."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from toolrun.execution._haste import INTERVAL, Haste


@pytest.fixture(autouse=True)
def usual() -> Iterator[float]:
    usual = sys.getswitchinterval()
    yield usual
    sys.setswitchinterval(usual)


def test_the_interval_is_short_until_the_last_answer_is_given(usual: float) -> None:
    haste = Haste()
    haste.begin("a")
    haste.begin("b")
    haste.begin("a")
    assert sys.getswitchinterval() == pytest.approx(INTERVAL)
    haste.end("a")
    assert sys.getswitchinterval() == pytest.approx(INTERVAL)
    haste.end("b")
    haste.end("b")
    assert sys.getswitchinterval() == pytest.approx(usual)


def test_who_is_not_in_haste_changes_nothing(usual: float) -> None:
    Haste().end("a")
    assert sys.getswitchinterval() == pytest.approx(usual)


def test_an_interval_that_is_short_already_stays() -> None:
    sys.setswitchinterval(INTERVAL / 5)
    short = sys.getswitchinterval()
    haste = Haste()
    haste.begin("a")
    assert sys.getswitchinterval() == short


@pytest.mark.parametrize("interval", [0.005, 0.0049, 0.001234, 0.1])
def test_the_interval_does_not_drift(interval: float) -> None:
    sys.setswitchinterval(interval)
    before = sys.getswitchinterval()
    haste = Haste()
    for _ in range(100):
        haste.begin("a")
        haste.end("a")
    assert sys.getswitchinterval() == before
