"""Cached results of calls: what handlers see of them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.tools.policed import Fails, both_bodies, made

from toolrun import Cache
from toolrun.testing import RecordingHandler


@both_bodies
def test_a_hit_is_a_run_too_and_is_marked(driver: Any, is_async: bool) -> None:
    body, handler = Fails(0), RecordingHandler()
    tool = made(body, is_async, cache=True)
    for given in ({"x": 1}, {"x": "1"}, {"x": 2}):
        assert driver.invoke(tool, given, {"callbacks": [handler]}) == int(given["x"])
    assert body.calls == 2  # "1" is validated to 1
    assert handler.names == ["on_tool_start", "on_tool_end"] * 3
    assert [event.keywords.get("cached") for event in handler.named("on_tool_end")] == [None, True, None]


def test_errors_are_not_cached(driver: Any) -> None:
    body = Fails(1)
    tool = made(body, False, cache=Cache(ttl=60))
    with pytest.raises(OSError):
        driver.invoke(tool, {"x": 1})
    assert driver.invoke(tool, {"x": 1}) == 1
    assert body.calls == 2
