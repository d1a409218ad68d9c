"""The sync driver of one call: the caller's thread waits at the worker's socket."""

from __future__ import annotations

import time
from typing import Any

from toolrun.execution.processes._exchange import Exchange
from toolrun.execution.processes._relay import Relay
from toolrun.execution.processes._worker import Worker


def converse(exchange: Exchange, worker: Worker) -> Any:
    """Have the call run by the worker; returns what it came to. Left early, it kills the worker."""
    relay: Relay | None = None
    seconds: float | None = None
    try:
        rest = exchange.begin(worker)  # in here: whatever comes right after it, Ctrl-C too, kills the worker
        while not exchange.done:
            if exchange.deadline is not None:
                seconds = exchange.deadline - time.monotonic()
                if seconds <= 0:
                    exchange.time_out()
                    break
            worker.wait(seconds, to_write=rest is not None)
            if rest is not None:
                rest = worker.send_rest(rest)
            exchange.take(worker.receive())
            if exchange.events:
                relay = relay or Relay(exchange.job, is_async=False)
                _tell(relay, exchange)
    except BaseException as error:
        exchange.kill()
        if relay is not None:
            relay.end(error)
        raise
    if relay is not None:
        relay.end(exchange.error)
    return exchange.result()


def _tell(relay: Relay, exchange: Exchange) -> None:
    events, run_in_context = exchange.events, exchange.job.context.run
    while events:
        run_in_context(relay.tell, events.popleft())
