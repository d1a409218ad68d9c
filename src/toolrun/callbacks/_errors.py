"""The one error policy for all four pairs of handler and manager.

An `Exception` of a handler is logged with handler, event and run id, and harms neither the tool nor the other
handlers. With `raise_error = True` it propagates, after every other handler has had the event. A `BaseException`
(Ctrl-C, SystemExit) is never swallowed.
"""

from __future__ import annotations

import logging
from typing import Any

logger = logging.getLogger("toolrun.callbacks")


def log(error: BaseException, handler: Any, event: str, run_id: Any) -> None:
    """Say which handler failed, in which event, of which run."""
    logger.warning("%s.%s failed for run %s: %r", type(handler).__name__, event, run_id, error, exc_info=error)


def report(error: BaseException, handler: Any, event: str, run_id: Any) -> BaseException | None:
    """Log the error, or give it back if it has to propagate."""
    if not isinstance(error, Exception) or getattr(handler, "raise_error", False) is True:
        return error
    log(error, handler, event, run_id)
    return None
