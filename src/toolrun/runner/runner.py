"""Runs many calls and gives a result for each, whatever happens."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from operator import attrgetter
from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the class is imported by programs that may never run a batch: what it needs comes with the first
    from toolrun.callbacks import BaseCallbackHandler, Callbacks
    from toolrun.execution.cache import Cache
    from toolrun.execution.policy import Approval, Policy
    from toolrun.execution.retry import Retry
    from toolrun.runner._batch import Batch
    from toolrun.runner._calling import Guard
    from toolrun.runner._events import StreamEvent
    from toolrun.runner._reading import Calls
    from toolrun.runner.result import CallResult
    from toolrun.tools.config import RunConfig
    from toolrun.tools.formats import CallRequest

CONCURRENCY = 100


class ToolRunner:
    """Runs calls of its tools, many at once, and never raises for one.

    `tools` is a tool, a list or mapping of tools or functions, an instance (its public methods), or a factory,
    which is called with a session's id, off the loop, at the session's first call, and gives that session's own
    tools in any of these forms. Calls of one session run in their order; all others run at once, `concurrency`
    of them at a time. Sync tools run in threads.
    """

    def __init__(
        self,
        tools: Any,
        *,
        concurrency: int = CONCURRENCY,
        callbacks: Callbacks = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        timeout: float | None = None,
        retry: Retry | int | None = None,
        engine: str | None = None,
        max_concurrency: int | None = None,
        rate_limit: float | None = None,
        memory_limit: int | None = None,
        cache: Cache | float | bool | None = None,
        requires_approval: Approval | None = None,
        store: str | PathLike[str] | None = None,
    ) -> None:
        """`timeout` and what follows hold for each tool that does not say otherwise: see `execution/policy.py`.

        With `engine="processes"` each session lives in one worker process, with its factory.
        Every run is recorded in the `store`, a folder.
        """
        from toolrun.callbacks import CallbackManager
        from toolrun.callbacks._plan import check_handler
        from toolrun.execution.policy import Policy
        from toolrun.execution.retry import is_count
        from toolrun.runner.toolbox import is_factory, toolbox

        for handler in CallbackManager.configure(callbacks).handlers:
            check_handler(handler)  # here, and not in the result of every call
        if not is_count(concurrency):
            raise ValueError(f"concurrency is a whole number of at least 1, not {concurrency!r}")
        self.concurrency = concurrency
        self._factory: Callable[[Any], Any] | None = tools if is_factory(tools) else None
        self._shared = None if self._factory else toolbox(tools)
        self._policy = _checked(
            Policy(timeout, retry, max_concurrency, rate_limit, cache, engine, memory_limit, requires_approval)
        )
        if store is not None:
            from toolrun.handlers import Recorder

            callbacks = _joined(callbacks, [Recorder(store)])
        self._config: RunConfig = {"callbacks": callbacks, "tags": tags or [], "metadata": metadata or {}}

    def run_all(self, calls: Iterable[Any]) -> list[CallResult]:
        """The results in the order of the calls; runs on toolrun's background loop, and waits."""
        from toolrun._background_loop import TOOL_LOOP

        return TOOL_LOOP.run(self.arun_all(calls))

    async def arun_all(self, calls: Calls) -> list[CallResult]:
        """The results in the order of the calls. Cancelled, it cancels what runs and waits for it."""
        results = [result async for result in self.astream(calls)]
        return sorted(results, key=attrgetter("position"))

    async def astream(self, calls: Calls) -> AsyncGenerator[CallResult, None]:
        """Each result as its call ends. A plain iterable is read on the loop, an async one is awaited."""
        async with aclosing(self.batch().results(calls)) as results:
            async for result in results:
                yield result

    async def astream_events(self, calls: Calls) -> AsyncGenerator[StreamEvent, None]:
        """Every event of every run of the calls, each run's in order, as dicts in the field's v2 schema.

        Closed or cancelled early, it cancels what runs and waits for it. At most `runner.stream.BOUND` events wait for
        the consumer; beyond that, runs wait. A call that reaches no tool is an `on_tool_error` with no run id.
        """
        from toolrun.runner.stream import events_of

        async with aclosing(events_of(self.batch, calls)) as events:
            async for event in events:
                yield event

    def batch(self, *handlers: BaseCallbackHandler, guard: Guard | None = None) -> Batch:
        """One pass over a source: `results(source)` gives the results as calls end, `stop()` ends it early.

        `handlers` hear it after the runner's own. `guard` sees each call before it runs, and may refuse it.
        """
        from toolrun.runner._batch import Batch
        from toolrun.runner._calling import run_request
        from toolrun.runner.sessions import Sessions

        in_workers = self._policy is not None and self._policy.engine == "processes"
        sessions = Sessions(self._shared, self._factory, in_workers=in_workers)
        config: RunConfig = {**self._config, "callbacks": _joined(self._config["callbacks"], handlers)}

        async def run_one(request: CallRequest) -> CallResult:
            return await run_request(request, sessions, config, self._policy, guard)

        return Batch(run_one, self.concurrency, sessions.close)


def _checked(policy: Policy) -> Policy | None:
    """The policy, if it says anything; what cannot be is refused here, and not in the result of every call."""
    from toolrun.execution.engine import engine_named
    from toolrun.execution.policy import NO_POLICY, check

    check(policy, has_sync_body=True)
    if policy.engine is not None:
        engine_named(policy.engine)
    return None if policy == NO_POLICY else policy


def _joined(callbacks: Callbacks, handlers: Sequence[BaseCallbackHandler]) -> Callbacks:
    from toolrun.callbacks import BaseCallbackManager

    if not handlers:
        return callbacks
    if not isinstance(callbacks, BaseCallbackManager):
        return [*(callbacks or ()), *handlers]
    joined = callbacks.copy()
    for handler in handlers:
        joined.add_handler(handler, inherit=True)
    return joined
