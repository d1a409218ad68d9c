"""BaseTracer and AsyncBaseTracer are one thing with two drivers."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from toolrun.tracers import AsyncBaseTracer, AsyncRootListenersTracer, BaseTracer, RootListenersTracer


def methods(kind: type[Any]) -> dict[str, Any]:
    return {name: method for name, method in vars(kind).items() if inspect.isfunction(method)}


@pytest.mark.parametrize(
    ("sync", "asynchronous"), [(BaseTracer, AsyncBaseTracer), (RootListenersTracer, AsyncRootListenersTracer)]
)
def test_both_have_the_same_methods_in_the_same_order(sync: type[Any], asynchronous: type[Any]) -> None:
    assert list(methods(sync)) == list(methods(asynchronous))


@pytest.mark.parametrize("name", sorted(set(methods(BaseTracer)) - {"_started", "_finished"}))
def test_each_takes_the_same_arguments_and_only_one_is_awaited(name: str) -> None:
    sync, asynchronous = getattr(BaseTracer, name), getattr(AsyncBaseTracer, name)
    assert inspect.signature(sync) == inspect.signature(asynchronous)
    assert not inspect.iscoroutinefunction(sync)
    assert inspect.iscoroutinefunction(asynchronous)
