"""The sessions of a worker: their tools never leave it; the parent names them, and the worker knows what is meant."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from toolrun.execution.body import Body

Tools = Mapping[str, Callable[..., Any]]

_sessions: dict[Hashable, tuple[Tools, dict[str, Body]]] = {}


def make_session(session: Hashable, factory: Callable[[], Tools], describe: Callable[[Tools], Any] | None) -> Any:
    """Make a session's tools, in the worker that it lives in from now on; returns what `describe` says of them."""
    tools = factory()
    _sessions[session] = (tools, {})
    return None if describe is None else describe(tools)


def drop_session(session: Hashable) -> None:
    """Forget a session's tools."""
    _sessions.pop(session, None)


class Member:
    """Stands in the parent for a session's own tool of this name: `Body(Member(session, "deposit"))`."""

    __slots__ = ("name", "session")

    def __init__(self, session: Hashable, name: str) -> None:
        self.session, self.name = session, name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it, where the session lives."""
        return self.body().call(*args, **kwargs)

    def body(self) -> Body:
        """The tool itself."""
        tools, bodies = _sessions[self.session]
        body = bodies.get(self.name)
        if body is None:
            body = bodies[self.name] = Body(tools[self.name])
        return body
