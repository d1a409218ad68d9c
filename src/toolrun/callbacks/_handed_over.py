"""Events that were handed over to the background loop and that nobody waits for, until they are delivered."""

from __future__ import annotations

import logging
from concurrent.futures import Future

logger = logging.getLogger("toolrun.callbacks")

HANDED_OVER: set[Future[None]] = set()
"""What `flush` and the end of the process wait for."""


def handed_over() -> Future[None]:
    """A future for one such event; whoever delivers it tells it so."""
    delivered: Future[None] = Future()
    HANDED_OVER.add(delivered)
    delivered.add_done_callback(_done)
    return delivered


def _done(delivered: Future[None]) -> None:
    HANDED_OVER.discard(delivered)
    if error := delivered.exception():
        logger.warning("a handler failed for an event that nobody waited for: %r", error, exc_info=error)
