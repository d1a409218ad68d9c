"""The runs in a worker: real run managers, with one handler, which sends every event to the parent.

So the whole surface of a run is there (`current_run()`, children, tags), and nested calls are children as everywhere.
"""

from __future__ import annotations

import pickle
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

from toolrun.callbacks._deliver_async import AsyncDelivery
from toolrun.callbacks._scope import EMPTY, Scope
from toolrun.callbacks.base import EVENTS, BaseCallbackHandler
from toolrun.callbacks.manager import AsyncCallbackManager, CallbackManager
from toolrun.callbacks.run_manager import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun

Send = Callable[[Any], None]


class RunFacts(NamedTuple):
    """What a worker is told of the run that it works for."""

    run_id: bytes
    heard: bool
    """Whether anybody listens to the run itself, ..."""
    inherited: bool
    """... and to those inside it."""
    of_scope: bytes | None
    """Parent, tags and metadata, if there are any."""


def facts_of(run: Any, dump: Callable[[Any], bytes]) -> tuple[Any, ...]:
    """The facts of a run as a plain tuple."""
    delivery = run._delivery
    handlers, inheritable, *rest = delivery.scope
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

    forwarder: Forwarder | None = None
    run: Any = None


def begin_run(facts: tuple[Any, ...] | None, sender: Callable[[], Send], loop: AbstractEventLoop | None) -> Any:
    """Make the run of the call that begins now, None if it has none; with a loop, its async face."""
    _Here.forwarder = _Here.run = None
    if facts is not None:
        _Here.run = _run(RunFacts(*facts), sender, loop)
    return _Here.run


def _run(facts: RunFacts, sender: Callable[[], Send], loop: AbstractEventLoop | None) -> Any:
    if facts.heard or facts.inherited:
        _Here.forwarder = Forwarder(sender())
    scope = EMPTY
    if facts.of_scope is not None:
        scope = Scope((), (), *pickle.loads(facts.of_scope))
    if _Here.forwarder is not None:
        forwarder = (_Here.forwarder,)
        heard, inherited = forwarder if facts.heard else (), forwarder if facts.inherited else ()
        scope = scope._replace(handlers=heard, inheritable_handlers=inherited)
    run_id = UUID(bytes=facts.run_id)
    if loop is None:
        return CallbackManagerForToolRun.of(scope, run_id)
    run = AsyncCallbackManagerForToolRun.__new__(AsyncCallbackManagerForToolRun)
    run._delivery = AsyncDelivery(scope, run_id, None, loop)
    return run


def run_here() -> Any:
    """What a run manager among the arguments becomes: the manager of this call's run."""
    return _Here.run


def manager_here(
    is_async: bool,
    parent_run_id: UUID | None,
    tags: list[str],
    inheritable_tags: list[str],
    metadata: dict[str, Any],
    inheritable_metadata: dict[str, Any],
) -> Any:
    """What a callback manager among the arguments becomes: one whose runs are told to the parent."""
    handlers = (_Here.forwarder,) if _Here.forwarder is not None else ()
    scope = Scope(
        handlers, handlers, parent_run_id, tuple(tags), tuple(inheritable_tags), metadata, inheritable_metadata
    )
    return (AsyncCallbackManager if is_async else CallbackManager).of(scope)
