"""Sessions in worker processes: the factory runs there, and the tools never leave the worker.

What comes back are outlines, by which arguments are validated, handlers told and policies kept here, as for any other
tool. A tool whose outline cannot be sent fails when it is called, alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from contextvars import copy_context
from typing import Any, NamedTuple

from toolrun.execution.body import Body
from toolrun.execution.errors import NotPicklable
from toolrun.execution.job import Job
from toolrun.runner._answers import answering
from toolrun.runner._outline import outlined, tool_of
from toolrun.runner.toolbox import Toolbox, toolbox
from toolrun.tools import BaseTool
from toolrun.tools._plan import plan_of

Factory = Callable[[Any], Any]


class SessionKey(NamedTuple):
    """A session of one batch: other batches of this process may have sessions of the same name."""

    session: Any
    batch: int

    def __repr__(self) -> str:
        return repr(self.session)


class WorkerToolbox(Toolbox):
    """Stand-ins for a session's tools, by name."""

    def __init__(self, key: SessionKey, outlines: Mapping[str, bytes | NotPicklable]) -> None:
        self._key, self._outlines = key, outlines
        super().__init__(dict.fromkeys(outlines, _elsewhere))

    def _made(self, name: str, member: Any) -> BaseTool:
        from toolrun.execution.processes.sessions import Member

        outline = self._outlines[name]
        if isinstance(outline, NotPicklable):
            raise outline
        whole = tool_of(name, outline)
        tool = whole.model_copy()
        object.__setattr__(tool, "_plan", plan_of(whole).rebound(Member(self._key, name)))
        return tool


def _elsewhere() -> None:
    """Stands for a tool of which nothing is known here yet."""


async def open_session(key: SessionKey, factory: Factory) -> Toolbox:
    """Have a worker make the session's tools."""
    from toolrun.execution.processes import PROCESSES
    from toolrun.execution.processes._shipping import packed

    making = Job(Body(_make), (key, packed(factory)), {}, copy_context(), name="session", session=key)
    try:
        return WorkerToolbox(key, await PROCESSES.arun(making))
    except BaseException:
        PROCESSES.close_session(key)
        raise


def close_session(key: SessionKey) -> None:
    """Have the session's worker forget it."""
    from toolrun.execution.processes import PROCESSES

    PROCESSES.close_session(key)


def _make(key: SessionKey, factory: Any) -> Any:
    """In the worker: the outlines of the session's tools, or a coroutine that gives them."""
    from toolrun.execution.processes._shipping import Reference

    made = (factory.resolve() if isinstance(factory, Reference) else factory)(key.session)
    return _keep_awaited(key, made) if inspect.isawaitable(made) else _keep(key, made)


async def _keep_awaited(key: SessionKey, made: Awaitable[Any]) -> dict[str, bytes | NotPicklable]:
    return _keep(key, await made)


def _keep(key: SessionKey, made: Any) -> dict[str, bytes | NotPicklable]:
    from toolrun.execution.processes.sessions import make_session

    members = toolbox(made).members
    make_session(key, lambda: _Bodies(members), None)
    return {name: _outlined(name, member) for name, member in members.items()}


def _outlined(name: str, member: Any) -> bytes | NotPicklable:
    try:
        return outlined(member)
    except Exception as error:
        return NotPicklable(name, "its signature", f"{type(error).__name__}: {error}")


class _Bodies(dict[str, Callable[..., Any]]):
    """The bodies of a session's tools, each made when it is first called."""

    def __init__(self, members: Mapping[str, Any]) -> None:
        self._members = members

    def __missing__(self, name: str) -> Callable[..., Any]:
        member = self._members[name]
        body = plan_of(member).arun.body.function if isinstance(member, BaseTool) else member
        return answering(body)
