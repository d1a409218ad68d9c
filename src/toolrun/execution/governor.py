"""The governor: keeps a tool's policy around its engine. To the road of a call it is an engine like any other.

    approve  ->  cache  ->  wait for a slot  ->  attempts: rate limit -> engine

A tool without such a policy has no governor: a timeout, an engine and a memory limit are the engine's own affair.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import nullcontext
from functools import partial
from typing import Any

from toolrun.execution.approval import aapprove, approve
from toolrun.execution.cache import Cache, Results, key_of
from toolrun.execution.engine import Engine, engine_named
from toolrun.execution.job import Job
from toolrun.execution.limits import Limit, RateLimit
from toolrun.execution.policy import NO_POLICY, Policy, check, check_wishes
from toolrun.execution.retry import Attempts, tells


class Resources:
    """What all copies of a tool share: its limits and its cached results. Made when they are first needed."""

    def __init__(self) -> None:
        self._made: dict[Any, Any] = {}

    def slots(self, count: int) -> Limit:
        """The limit of calls at once."""
        limit: Limit = self._made.get(("slots", count)) or self._made.setdefault(("slots", count), Limit(count))
        return limit

    def rate(self, rate: float) -> RateLimit:
        """The limit of calls in a second."""
        limit: RateLimit = self._made.get(("rate", rate)) or self._made.setdefault(("rate", rate), RateLimit(rate))
        return limit

    def results(self, cache: Cache) -> Results:
        """The cached results."""
        if cache not in self._made:
            self._made.setdefault(cache, Results(cache))
        results: Results = self._made[cache]
        return results


class Way:
    """What a policy comes to for one body: what runs its jobs, and within which bounds."""

    __slots__ = ("engine", "is_governed", "memory_limit", "timeout")

    def __init__(self, policy: Policy, tool: str, resources: Resources, *, is_async: bool, awaited: bool) -> None:
        """`is_async` is said of the body, `awaited` of its caller. `InvalidPolicy` if the policy contradicts itself."""
        check(policy, tool, has_sync_body=not is_async)
        self.timeout = policy.seconds
        self.memory_limit = policy.memory_limit
        unsaid = "inline" if is_async or not (awaited or self.timeout) else "threads"
        engine = engine_named(policy.engine or unsaid)
        self.is_governed = policy.limits_calls()
        self.engine: Engine = Governor(policy, engine, resources) if self.is_governed else engine


class Ways:
    """The ways of one body: the usual one, and those of calls whose config or runner says more."""

    __slots__ = ("_is_async", "_make", "_others", "_policy", "_tool", "usual")

    def __init__(self, policy: Policy, tool: str, resources: Resources, *, is_async: bool, awaited: bool) -> None:
        self._make = partial(Way, tool=tool, resources=resources, is_async=is_async, awaited=awaited)
        self._policy, self._tool, self._is_async = policy, tool, is_async
        self._others: dict[Any, Way] = {}
        self.usual = self._make(policy)

    def other(self, timeout: Any, retry: Any, engine: Any, farther: Policy | None) -> Way:
        """The way of a call whose config says the first three, and whose runner the last."""
        said = (timeout, retry, engine, farther)
        try:
            return self._others[said]
        except (KeyError, TypeError):  # a list, say, which `check` refuses
            said_here = Policy(timeout=timeout, retry=retry, engine=engine).over(self._policy)
            check_wishes(said_here, self._tool)
            fitting = (farther or NO_POLICY).fitting(said_here, has_sync_body=not self._is_async)
            way = self._make(said_here.over(fitting))
        if len(self._others) >= _MOST_OTHERS:
            self._others.clear()
        self._others[said] = way
        return way


_MOST_OTHERS = 256


class Governor:
    """Runs jobs on an engine, under a policy."""

    def __init__(self, policy: Policy, engine: Engine, resources: Resources) -> None:
        self.name = engine.name
        self._engine = engine
        self._approval = policy.requires_approval or None
        self._results = resources.results(policy.caching) if policy.caching else None
        self._slot: Any = resources.slots(policy.max_concurrency) if policy.max_concurrency else nullcontext()
        self._rate = resources.rate(policy.rate_limit) if policy.rate_limit else None
        self._retry = policy.retrying if policy.attempts > 1 else None

    def run(self, job: Job) -> Any:
        """Run the job for a sync caller."""
        if self._approval is not None:
            approve(job, self._approval)
        key = None if self._results is None else key_of(job)
        if self._is_known(job, key):
            return job.value
        with self._slot:
            value = self._run_once(job) if self._retry is None else self._try(job, Attempts(self._retry, job))
        self._keep(key, value)
        return value

    async def arun(self, job: Job) -> Any:
        """Run the job for an async caller."""
        if self._approval is not None:
            await aapprove(job, self._approval)
        key = None if self._results is None else key_of(job)
        if self._is_known(job, key):
            return job.value
        async with self._slot:
            retry = self._retry
            value = await (self._arun_once(job) if retry is None else self._atry(job, Attempts(retry, job)))
        self._keep(key, value)
        return value

    def _is_known(self, job: Job, key: Any) -> bool:
        if self._results is not None and key is not None:
            job.cached, job.value = self._results.get(key)
        return job.cached

    def _keep(self, key: Any, value: Any) -> None:
        if self._results is not None and key is not None:
            self._results.put(key, value)

    def _run_once(self, job: Job) -> Any:
        if self._rate is not None:
            self._rate.acquire()
        return self._engine.run(job)

    async def _arun_once(self, job: Job) -> Any:
        if self._rate is not None:
            await self._rate.aacquire()
        return await self._engine.arun(job)

    def _try(self, job: Job, attempts: Attempts) -> Any:
        while True:
            attempt = attempts.next()
            try:
                return self._run_once(attempt)
            except Exception as error:
                if not attempts.failed(attempt, error):
                    raise
            finally:
                job.stopped_by, job.worker = attempt.stopped_by, attempt.worker
            try:
                tells(job.run, sync=True)(attempts.state)
            finally:
                del attempts.state  # it leads to the error, and that to this frame
            time.sleep(attempts.seconds)
            job.attempts += 1

    async def _atry(self, job: Job, attempts: Attempts) -> Any:
        while True:
            attempt = attempts.next()
            try:
                return await self._arun_once(attempt)
            except Exception as error:
                if not attempts.failed(attempt, error):
                    raise
            finally:
                job.stopped_by, job.worker = attempt.stopped_by, attempt.worker
            try:
                await tells(job.run, sync=False)(attempts.state)
            finally:
                del attempts.state  # it leads to the error, and that to this frame
            await asyncio.sleep(attempts.seconds)
            job.attempts += 1
