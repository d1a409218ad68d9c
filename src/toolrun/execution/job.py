"""A job: one attempt at running a body, as an engine gets it."""

from __future__ import annotations

from collections.abc import Hashable
from contextvars import Context
from typing import Any

from toolrun.execution.body import Body
from toolrun.run import NOT_STOPPED, StoppedBy


class Job:
    """What to run, in which context, and within which bounds."""

    __slots__ = (
        *("args", "attempts", "body", "cached", "context", "given", "kwargs", "memory_limit"),
        *("name", "run", "session", "shown", "stopped_by", "timeout", "value", "worker"),
    )

    def __init__(
        self,
        body: Body,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        context: Context,
        run: Any = None,
        name: str = "",
        timeout: float | None = None,
        memory_limit: int | None = None,
        session: Hashable | None = None,
    ) -> None:
        self.body = body
        self.args = args
        self.kwargs = kwargs
        self.context = context
        """In it the current run is set, and by it an engine that leaves this process finds whom to tell of progress."""
        self.run = run
        """The run manager, with the face that the body needs; None outside a run."""
        self.name = name
        """The tool's, for messages."""
        self.timeout = timeout
        """Seconds from the start of the body."""
        self.memory_limit = memory_limit
        """Bytes."""
        self.session = session
        """Bodies of one session share their state, and so a process."""
        self.stopped_by = NOT_STOPPED
        self.worker: int | None = None
        """The process id of the worker that ran the body, or was to; None if it runs here."""
        self.attempts = 1
        """How often the body was tried."""
        self.given: tuple[tuple[Any, ...], dict[str, Any]] | None = None
        """The validated arguments, without what toolrun fills in; for a cache."""
        self.shown: dict[str, Any] | None = None
        """The same for others to see: secrets are masked."""
        self.value: Any = None
        self.cached = False
        """Whether the result, in `value`, was found in the cache, and the body did not run."""

    def call(self) -> Any:
        """Call the body, here and now; that of an async function gives its coroutine."""
        return self.context.run(self.body.call, *self.args, **self.kwargs)

    def ask_to_stop(self) -> None:
        """Let a body that looks at `run_manager.cancelled` know."""
        if self.run is not None:
            self.run._delivery.cancelled = True

    def was_stopped(self, by: StoppedBy) -> None:
        """Write down how the body was stopped, as far as it is known now."""
        self.stopped_by = by
        if self.run is not None:
            self.run._delivery.stopped_by = by

    def forget_stop(self) -> None:
        """Begin anew, for another attempt."""
        if self.stopped_by is not NOT_STOPPED:
            self.was_stopped(NOT_STOPPED)
            if self.run is not None:
                self.run._delivery.cancelled = False
