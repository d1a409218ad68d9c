"""Approval: somebody is asked before the body runs. Whatever is not an approval is a denial."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from toolrun._background_loop import TOOL_LOOP
from toolrun._offload import TOOL_POOL
from toolrun._signature import kind_of
from toolrun.execution.errors import ToolDenied
from toolrun.execution.job import Job
from toolrun.execution.policy import Approval

Asker = Callable[[str, dict[str, Any]], Any]

_at_terminal: Asker | None = None


def ask_at_terminal(asker: Asker | None) -> None:
    """Who is asked for `requires_approval=True`: set by a program that has a terminal with a user at it."""
    global _at_terminal
    _at_terminal = asker


def approve(job: Job, approval: Approval) -> None:
    """Ask, and wait for the answer; `ToolDenied` if it is no approval."""
    answer = _asker(job, approval)(job.name, job.shown or {})
    if inspect.isawaitable(answer):
        answer = TOOL_LOOP.run(_awaited(answer))
    _judge(job, answer)


async def aapprove(job: Job, approval: Approval) -> None:
    """The async twin: a sync function is asked off the loop."""
    asker = _asker(job, approval)
    if kind_of(asker).is_async:
        answer = asker(job.name, job.shown or {})
    else:
        answer = await TOOL_POOL.run_in_thread(job.context.copy().run, asker, job.name, job.shown or {})
    _judge(job, await answer if inspect.isawaitable(answer) else answer)


def _asker(job: Job, approval: Approval) -> Asker:
    if approval is not True:
        return approval
    if _at_terminal is None:
        raise ToolDenied(job.name, "it requires approval, and there is nobody to ask")
    return _at_terminal


def _judge(job: Job, answer: Any) -> None:
    if answer is not True:
        raise ToolDenied(job.name, answer if isinstance(answer, str) else "")


async def _awaited(answer: Any) -> Any:
    return await answer
