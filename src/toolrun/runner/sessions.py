"""The tools of each session: made by the factory at the session's first call, and kept to the end of the batch."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from itertools import count
from typing import Any

from toolrun._offload import TOOL_POOL
from toolrun.runner._errors import SessionFailed
from toolrun.runner._worker_sessions import SessionKey, close_session, open_session
from toolrun.runner.toolbox import Toolbox, toolbox

Factory = Callable[[Any], Any]


class Sessions:
    """One toolbox for everything, or one a session where there is a factory.

    Calls without a session share the one that the factory makes of None. A session's tools live as long as this
    object, for its next call may be the last line of the file. A factory that failed is not asked again.
    With `in_workers` each session lives in a worker process, its factory included.
    """

    def __init__(self, shared: Toolbox | None, factory: Factory | None, *, in_workers: bool = False) -> None:
        self._shared, self._factory = shared, factory
        self._in_workers = in_workers and factory is not None
        self._made: dict[Any, asyncio.Task[Toolbox | SessionFailed]] = {}
        self._number = next(_numbers)

    async def tools_of(self, session: Any) -> Toolbox:
        """The session's tools; `SessionFailed` if they cannot be made."""
        if self._shared is not None:
            return self._shared
        making = self._made.get(session)
        if making is None:
            making = self._made[session] = asyncio.create_task(self._make(session))
        made = await making  # not shielded: what cancels a call is the end of the batch, and so of its sessions
        if isinstance(made, SessionFailed):
            raise SessionFailed(session, made.cause)  # one a call: raising lengthens an exception's traceback
        return made

    def home_of(self, session: Any) -> SessionKey | None:
        """What worker processes know the session by; None if it lives here."""
        return SessionKey(session, self._number) if self._in_workers else None

    def close(self) -> None:
        """The last call has ended: workers may forget their sessions."""
        for session in self._made if self._in_workers else ():
            close_session(SessionKey(session, self._number))

    async def _make(self, session: Any) -> Toolbox | SessionFailed:
        assert self._factory is not None
        try:
            if self._in_workers:
                return await open_session(SessionKey(session, self._number), self._factory)
            tools = await TOOL_POOL.run_in_thread(self._factory, session)
            return toolbox(await tools if inspect.isawaitable(tools) else tools)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # also SystemExit: the other sessions go on
            return SessionFailed(session, error)


_numbers = count()
