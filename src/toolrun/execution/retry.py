"""Retries, by tenacity. It is imported when a body fails for the first time, and not before."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolrun.errors import is_control_flow
from toolrun.execution.errors import SessionLost
from toolrun.execution.job import Job

if TYPE_CHECKING:
    from tenacity import RetryAction, RetryCallState, Retrying

Kinds = type[Exception] | tuple[type[Exception], ...]


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a body is tried, how long to wait in between, and after which exceptions."""

    attempts: int = 3
    """The first one counts."""
    wait: float | Callable[[Any], float] | None = None
    """Seconds, or a strategy of tenacity, a function of its `RetryCallState`.

    By default twice as long each time, from 0.1 s to 10 s, with jitter.
    """
    on: Kinds | Callable[[BaseException], bool] = Exception
    """The exceptions after which to try again, or a function that says so."""
    not_idempotent: bool = False
    """Repeat also a tool that is marked `idempotent=False`."""

    def fault(self) -> str:
        """What cannot be, if anything."""
        if not is_count(self.attempts):
            return "attempts must be a whole number above 0"
        if not callable(self.wait) and self.wait is not None and not self.wait >= 0:
            return "wait must not be negative"
        kinds = self.on if isinstance(self.on, tuple) else (self.on,)
        if all(isinstance(kind, type) and issubclass(kind, Exception) for kind in kinds):
            return ""
        return "" if callable(self.on) and not isinstance(self.on, type) else "on must be exception types or a function"

    def applies_to(self, error: BaseException) -> bool:
        """Whether to try again after this error."""
        if is_control_flow(error) or isinstance(error, SessionLost):
            return False
        return isinstance(error, self.on) if isinstance(self.on, type | tuple) else bool(self.on(error))


def is_count(value: Any) -> bool:
    """Whether this is a whole number above 0."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


class Attempts:
    """The attempts of one job.

    What is told of one that failed is a state of tenacity's of its own: it stays true for a handler that keeps it.
    """

    __slots__ = ("_began", "_idle_for", "_retry", "_retrying", "job", "seconds", "state")

    def __init__(self, retry: Retry, job: Job) -> None:
        self._retry = retry
        self._began = time.monotonic()
        self._idle_for = 0.0
        self._retrying: Retrying | None = None
        self.job = job
        self.seconds = 0.0
        """How long to wait before the next attempt."""
        self.state: RetryCallState
        """What handlers are told of the last attempt; taken away when they have been, for it holds the error."""

    def next(self) -> Job:
        """A job for the next attempt: in a context of its own, for an earlier one may still be in its."""
        job = self.job
        job.forget_stop()
        return Job(
            *(job.body, job.args, job.kwargs, job.context.copy(), job.run, job.name),
            *(job.timeout, job.memory_limit, job.session),
        )

    def failed(self, attempt: Job, error: Exception) -> bool:
        """Whether to try again. Whoever asks raises the error himself: raised here, it would be part of a cycle."""
        if not self._retry.applies_to(error):
            return False
        state = self._state_after(error)
        retrying = state.retry_object
        if retrying.stop(state):
            return False
        self.seconds = state.upcoming_sleep = float(retrying.wait(state))
        self._idle_for += self.seconds
        state.idle_for, state.next_action = self._idle_for, _sleep(self.seconds)
        attempt.run = None  # what becomes of it from now on is not the run's any more
        self.state = state
        return True

    def _state_after(self, error: Exception) -> RetryCallState:
        import tenacity

        self._retrying = self._retrying or _retrying(self._retry)
        # No arguments: handlers get this state, and some arguments may be secret.
        state = tenacity.RetryCallState(self._retrying, self.job.body.function, (), {})
        state.start_time, state.attempt_number = self._began, self.job.attempts
        state.idle_for = self._idle_for
        state.set_exception((type(error), error, error.__traceback__))
        return state


def _retrying(retry: Retry) -> Retrying:
    import tenacity

    wait = retry.wait
    if wait is None:
        wait = tenacity.wait_exponential(multiplier=0.1, max=10) + tenacity.wait_random(0, 0.1)
    return tenacity.Retrying(
        stop=tenacity.stop_after_attempt(retry.attempts),
        wait=wait if callable(wait) else tenacity.wait_fixed(wait),
        retry=tenacity.retry_if_exception(retry.applies_to),
        reraise=True,
    )


def _sleep(seconds: float) -> RetryAction:
    from tenacity import RetryAction

    return RetryAction(seconds)


def tells(run: Any, *, sync: bool) -> Callable[[RetryCallState], Any]:
    """How to tell a run of a retry, for a sync or an async caller; the job has the face that its body needs."""
    if run is None:
        return _tell_nobody if sync else _atell_nobody
    turn: Any = getattr(run, "get_sync" if sync else "get_async", None)
    on_retry: Callable[[RetryCallState], Any] = (turn() if turn else run).on_retry
    return on_retry


def _tell_nobody(state: RetryCallState) -> None:
    return None


async def _atell_nobody(state: RetryCallState) -> None:
    return None
