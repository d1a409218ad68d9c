"""The runs in a worker: real run managers, with one handler, which sends every event to the parent.

So the whole surface of a run is there (`current_run()`, children, tags), and nested calls are children as everywhere.
"""

from __future__ import annotations

import pickle
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Any
from uuid import UUID

from toolrun.callbacks._deliver_async import AsyncDelivery
from toolrun.callbacks._scope import EMPTY, Scope
from toolrun.callbacks.base import EVENTS, BaseCallbackHandler
from toolrun.callbacks.manager import AsyncCallbackManager, CallbackManager
from toolrun.callbacks.run_manager import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun

Send = Callable[[Any], None]


RunFacts = tuple[bytes | None, bool, bool, bytes | None]
"""What a worker is told of the run that it works for: its id, unless nobody has asked for it yet; whether anybody
listens to it, and to those inside it; parent, tags and metadata, if there are any."""


def facts_of(run: Any, dump: Callable[[Any], bytes]) -> RunFacts:
    """The facts of a run."""
    delivery = run._delivery
    handlers, inheritable, *rest = delivery.scope
    if not handlers and not inheritable and not any(rest):
        run_id = delivery._run_id
        return None if run_id is None else run_id.bytes, False, False, None
    return delivery.run_id.bytes, bool(handlers), bool(inheritable), dump(tuple(rest)) if any(rest) else None


class Forwarder(BaseCallbackHandler):
    """Sends every event to the parent: its name, the run it is of, its arguments."""

    run_inline = True

    def __init__(self, send: Send) -> None:
        self.send = send


def _forwarding(event: str) -> Callable[..., None]:
    def forward(self: Forwarder, *args: Any, run_id: UUID, **kwargs: Any) -> None:
        self.send((event, run_id, args, kwargs))

    return forward


def _forward_retry(self: Forwarder, retry_state: Any, *, run_id: UUID, **kwargs: Any) -> None:
    """A retry state holds locks and functions: what can be told of it goes."""
    outcome = retry_state.outcome
    error = outcome.exception() if outcome is not None and outcome.done() else None
    facts = (retry_state.attempt_number, error, retry_state.idle_for)
    self.send(("on_retry", run_id, facts, kwargs))


for _event in EVENTS:
    setattr(Forwarder, _event, _forwarding(_event))
Forwarder.on_retry = _forward_retry  # type: ignore[method-assign,assignment]


class _Here:
    """The call that this worker is at."""

    __slots__ = ("forwarder", "run")

    def __init__(self) -> None:
        self.forwarder: Forwarder | None = None
        self.run: Any = None


_here = _Here()


def begin_run(facts: RunFacts | None, sender: Callable[[], Send], loop: AbstractEventLoop | None) -> Any:
    """Make the run of the call that begins now, None if it has none; with a loop, its async face."""
    _here.forwarder = _here.run = None
    if facts is not None:
        _here.run = _run(facts, sender, loop)
    return _here.run


def _run(facts: RunFacts, sender: Callable[[], Send], loop: AbstractEventLoop | None) -> Any:
    number, is_heard, is_inherited, of_scope = facts
    scope = EMPTY if of_scope is None else Scope((), (), *pickle.loads(of_scope))
    if is_heard or is_inherited:
        _here.forwarder = Forwarder(sender())
        forwarder = (_here.forwarder,)
        heard, inherited = forwarder if is_heard else (), forwarder if is_inherited else ()
        scope = scope._replace(handlers=heard, inheritable_handlers=inherited)
    run_id = None if number is None else UUID(bytes=number)
    if loop is None:
        return CallbackManagerForToolRun.of(scope, run_id)
    run = AsyncCallbackManagerForToolRun.__new__(AsyncCallbackManagerForToolRun)
    run._delivery = AsyncDelivery(scope, run_id, None, loop)
    return run


def run_here() -> Any:
    """What a run manager among the arguments becomes: the manager of this call's run."""
    return _here.run


def manager_here(
    is_async: bool,
    parent_run_id: UUID | None,
    tags: list[str],
    inheritable_tags: list[str],
    metadata: dict[str, Any],
    inheritable_metadata: dict[str, Any],
) -> Any:
    """What a callback manager among the arguments becomes: one whose runs are told to the parent."""
    handlers = (_here.forwarder,) if _here.forwarder is not None else ()
    scope = Scope(
        handlers, handlers, parent_run_id, tuple(tags), tuple(inheritable_tags), metadata, inheritable_metadata
    )
    return (AsyncCallbackManager if is_async else CallbackManager).of(scope)
