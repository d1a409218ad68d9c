"""Hooks: handlers that join every run, and can leave again."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from toolrun.callbacks import (
    BaseCallbackHandler,
    CallbackManager,
    _configure,
    get_usage_metadata_callback,
    register_configure_hook,
)

variable: ContextVar[Any] = ContextVar("test_hook", default=None)


class Hooked(BaseCallbackHandler):
    pass


@pytest.fixture(autouse=True)
def hooks_as_they_were() -> Iterator[None]:
    before = _configure._hooks
    yield
    _configure._hooks = before
    variable.set(None)


def test_the_handler_in_the_variable_joins_and_leaves_with_it() -> None:
    register_configure_hook(variable, inheritable=True)
    assert CallbackManager.configure().handlers == []
    handler = Hooked()
    token = variable.set(handler)
    assert CallbackManager.configure().inheritable_handlers == [handler]
    assert CallbackManager.configure([handler]).handlers == [handler]
    variable.reset(token)
    assert CallbackManager.configure().handlers == []


def test_registering_twice_is_once_and_unregistering_undoes_it() -> None:
    before = _configure._hooks
    register_configure_hook(variable, inheritable=False)
    unregister = register_configure_hook(variable, inheritable=False)
    assert len(_configure._hooks) == len(before) + 1
    unregister()
    unregister()
    assert _configure._hooks == before


def test_an_environment_variable_makes_a_handler_unless_one_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    register_configure_hook(variable, True, Hooked, "TEST_HOOKED")
    assert CallbackManager.configure().handlers == []
    monkeypatch.setenv("TEST_HOOKED", "true")
    assert [type(one) for one in CallbackManager.configure().handlers] == [Hooked]
    own = Hooked()
    assert CallbackManager.configure([own]).handlers == [own]
    with pytest.raises(ValueError, match="env_var needs handle_class"):
        register_configure_hook(variable, True, None, "TEST_HOOKED")


def test_usage_blocks_may_be_nested_and_leave_nothing_behind() -> None:
    with get_usage_metadata_callback():
        before = _configure._hooks
    with get_usage_metadata_callback() as outer:
        with get_usage_metadata_callback() as inner:
            assert CallbackManager.configure().handlers == [outer, inner]
        assert CallbackManager.configure().handlers == [outer]
    assert CallbackManager.configure().handlers == []
    assert _configure._hooks == before
