"""Promise 7: a failure of one call never loses another's result."""

from __future__ import annotations

from typing import Any

import pytest

INPUTS = [{"x": 0}, {"x": 1}, {"x": 2}]


def inverse(x: int) -> float:
    """Fails for zero."""
    return 1 / x


async def async_inverse(x: int) -> float:
    """Fails for zero."""
    return 1 / x


@pytest.mark.defect(3)
def test_a_failing_call_of_a_batch_does_not_stop_its_siblings(lib: Any, driver: Any) -> None:
    recorder = lib.recorder()
    tool = lib.tool(async_inverse if driver.is_async else inverse)

    with pytest.raises(ZeroDivisionError):
        driver.batch(tool, INPUTS, {"callbacks": [recorder], "max_concurrency": 1})

    assert [seen.args[0] for seen in recorder.of("on_tool_end")] == [1.0, 0.5]


def test_a_batch_can_return_its_errors_among_the_results(lib: Any, driver: Any) -> None:
    tool = lib.tool(async_inverse if driver.is_async else inverse)

    failed, *others = driver.batch(tool, INPUTS, return_exceptions=True)

    assert isinstance(failed, ZeroDivisionError)
    assert others == [1.0, 0.5]
