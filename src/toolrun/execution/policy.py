"""A policy: how a tool is to run. What is not said is None, and of several policies the nearest wins:

    the config of the call  >  with_options  >  @tool  >  the runner, or the command line

`check` refuses what cannot be, when the tool is made where that can be known, else as the outcome of the call.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from toolrun.execution.cache import Cache
from toolrun.execution.errors import InvalidPolicy
from toolrun.execution.retry import Retry

Approval = Literal[True] | Callable[[str, dict[str, Any]], Any]
"""Who is asked: the user at the terminal, or a function, sync or async, of the tool's name and its arguments. Only an
answer of True approves; a text is the reason of a denial. Secret arguments are masked."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How a tool is to run."""

    timeout: float | None = None
    """Seconds for each attempt, from the start of the body; `math.inf` for none."""
    retry: Retry | int | None = None
    """How often to try; a number stands for `Retry(attempts)`."""
    max_concurrency: int | None = None
    """How many calls of the tool run at once; more wait in the order in which they came."""
    rate_limit: float | None = None
    """How many attempts may begin in a second, or in the shortest time that makes a whole number of them."""
    cache: Cache | float | bool | None = None
    """Whether equal arguments give the result of an earlier call; a number stands for `Cache(ttl)`."""
    engine: str | None = None
    """Where sync bodies run."""
    memory_limit: int | None = None
    """Bytes that the body's worker process may use."""
    requires_approval: Approval | None = None
    """Who must agree before the body runs."""
    idempotent: bool | None = None
    """Whether running it twice does no more than running it once. False forbids retries and a cache."""

    def over(self, farther: Policy) -> Policy:
        """This policy, completed by a farther one."""
        return Policy(*(far if near is None else near for near, far in zip(_said(self), _said(farther), strict=True)))

    def fitting(self, near: Policy, *, has_sync_body: bool) -> Policy:
        """What a runner says for all its tools, without what contradicts what a tool and its call say themselves."""
        drop: dict[str, None] = {}
        if has_sync_body and near.engine == "inline":
            drop["timeout"] = None
        if has_sync_body and near.seconds is not None and self.engine == "inline":
            drop["engine"] = None
        if near.engine not in (None, "processes"):
            drop["memory_limit"] = None
        return replace(self, **drop)

    def limits_calls(self) -> bool:
        """Whether there is anything to do before and after the body, beside running it."""
        return any((self.attempts > 1, self.max_concurrency, self.rate_limit, self.caching, self.requires_approval))

    @property
    def attempts(self) -> int:
        """How often the body is tried at most; once, if a repetition may do harm."""
        retry = self.retrying
        return 1 if retry is None or (self.idempotent is False and not retry.not_idempotent) else retry.attempts

    @property
    def retrying(self) -> Retry | None:
        """The retry, spelt out."""
        return Retry(self.retry) if isinstance(self.retry, int) else self.retry

    @property
    def caching(self) -> Cache | None:
        """The cache, spelt out."""
        if self.cache is None or self.cache is False or self.idempotent is False:
            return None
        if self.cache is True:
            return Cache()
        return self.cache if isinstance(self.cache, Cache) else Cache(self.cache)

    @property
    def seconds(self) -> float | None:
        """The timeout, or None if there is none."""
        return None if self.timeout is None or self.timeout == math.inf else self.timeout


NO_POLICY = Policy()
_FIELDS = tuple(field.name for field in fields(Policy))


def _said(policy: Policy) -> list[Any]:
    return [getattr(policy, name) for name in _FIELDS]


def check(policy: Policy, tool: str = "", *, has_sync_body: bool = False) -> None:
    """Raise `InvalidPolicy` for the first thing that cannot be."""
    for problem, remedy in (*_bad_values(policy), *_contradictions(policy, has_sync_body)):
        raise InvalidPolicy(tool, problem, remedy)


def check_wishes(policy: Policy, tool: str) -> None:
    """Raise `InvalidPolicy` if a tool, or a call of it, wishes what its not being idempotent forbids.

    What a runner wishes for all its tools is none of it: it leaves out those that are not idempotent.
    """
    if policy.idempotent is not False:
        return
    if _repeats(policy.retry):
        remedy = "If repeating it does no harm, say retry=Retry(..., not_idempotent=True)"
        raise InvalidPolicy(tool, "it is not idempotent, and yet it is to be retried", remedy)
    if policy.cache:
        remedy = "Leave out one of the two"
        raise InvalidPolicy(tool, "it is not idempotent, and a cache would skip its effects", remedy)


def _bad_values(policy: Policy) -> Iterator[tuple[str, str]]:
    for name, unit in (("timeout", "seconds"), ("rate_limit", "calls per second")):
        if not _is_none_or(getattr(policy, name), int | float, above=0):
            yield f"{name}={getattr(policy, name)!r} is no number above 0", f"Give {unit}, or leave it out"
    for name, unit in (("max_concurrency", "calls"), ("memory_limit", "bytes")):
        if not _is_none_or(getattr(policy, name), int, above=0):
            yield f"{name}={getattr(policy, name)!r} is no whole number above 0", f"Give a number of {unit}, or none"
    retry, cache = policy.retry, policy.cache
    if not isinstance(retry, Retry) and not _is_none_or(retry, int, above=0):
        yield f"retry={retry!r} is neither a number of attempts nor a Retry", "Give retry=3, or retry=Retry(3, wait=1)"
    elif isinstance(retry, Retry) and (fault := retry.fault()):
        yield f"retry={retry!r}: {fault}", "Give Retry(attempts, wait=seconds, on=exceptions)"
    if isinstance(cache, Cache):
        if fault := cache.fault():
            yield f"cache={cache!r}: {fault}", "Give Cache(ttl=seconds, size=entries)"
    elif not isinstance(cache, bool) and not _is_none_or(cache, int | float, above=0):
        yield f"cache={cache!r} is neither a bool, nor seconds, nor a Cache", "Give cache=True, or cache=Cache(ttl=60)"
    if policy.requires_approval not in (None, True, False) and not callable(policy.requires_approval):
        yield f"requires_approval={policy.requires_approval!r} cannot be asked", "Give True, or a function"


def _is_none_or(value: Any, kind: Any, above: float) -> bool:
    if value is None:
        return True
    return isinstance(value, kind) and not isinstance(value, bool) and bool(value > above)


def _contradictions(policy: Policy, has_sync_body: bool) -> Iterator[tuple[str, str]]:
    if policy.engine == "inline" and policy.seconds is not None and has_sync_body:
        yield (
            "a timeout cannot be kept with engine='inline', for nobody is there to stop the body",
            "Use engine='threads' or 'processes', or leave the engine out",
        )
    if policy.memory_limit is not None and policy.engine != "processes":
        yield "memory_limit is for worker processes alone", "Add engine='processes', or leave the limit out"


def _repeats(retry: Retry | int | None) -> bool:
    return retry.attempts > 1 and not retry.not_idempotent if isinstance(retry, Retry) else bool(retry and retry > 1)
