"""Events that were handed over to the background loop and that nobody waits for, until they are delivered."""

from __future__ import annotations

import logging
from concurrent.futures import Future

logger = logging.getLogger("toolrun.callbacks")

HANDED_OVER: set[Future[None]] = set()
"""What `flush` and the end of the process wait for: done when an event is delivered, well or badly."""


def handed_over() -> Future[None]:
    """A future for one such event; whoever delivers it tells it so."""
    delivered: Future[None] = Future()
    passed: Future[None] = Future()
    HANDED_OVER.add(passed)
    delivered.add_done_callback(lambda delivered: _done(delivered, passed))
    return delivered


def _done(delivered: Future[None], passed: Future[None]) -> None:
    HANDED_OVER.discard(passed)
    if error := delivered.exception():
        logger.warning("a handler failed for an event that nobody waited for: %r", error, exc_info=error)
    passed.set_result(None)
