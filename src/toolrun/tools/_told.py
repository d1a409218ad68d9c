"""What handlers are told of a call: its start, and how its body ran and ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolrun.callbacks._events import AnyEvent, MoreOf, ToolEnd, ToolStart
from toolrun.run import NOT_STOPPED

if TYPE_CHECKING:
    from toolrun.tools._call import Call


def start_of(call: Call) -> AnyEvent:
    """What is told before anything else happens."""
    plan, run, extras = call.plan, call.run, call.extras
    assert run is not None
    input_str, inputs = plan.binder.shown(call.given)
    event = ToolStart(
        run._delivery,
        call.tool_call_id,
        {"name": plan.name, "description": plan.description},
        input_str,
        inputs,
        (call.config.get("run_name") if call.config else None) or plan.name,
        extras.get("start_color", "green") if extras else "green",
    )
    if not extras and call.session is None:
        return event
    more = _given(call)
    if call.session is not None:
        more["session"] = call.session
    return MoreOf(event, more)


def end_of(call: Call, output: Any) -> AnyEvent:
    """What is told at last, if there is an output."""
    assert call.run is not None
    color = call.extras.get("color", "green") if call.extras else "green"
    event = ToolEnd(call.run._delivery, call.tool_call_id, output, call.plan.name, call.way.engine.name, color)
    more = _facts(call)
    if output is not call.value or call.answered is not None or call.plan.gives_artifact:
        more |= _behind(call)
    if call.extras:
        more = {**_given(call), **more}
    return MoreOf(event, more) if more else event


def how_it_ran(call: Call) -> dict[str, Any]:
    """The keywords of a terminal event that say how the body ran."""
    return {"engine": call.way.engine.name, **_facts(call)}


def _facts(call: Call) -> dict[str, Any]:
    """What there is to say of how the body ran, beside the engine."""
    facts: dict[str, Any] = {}
    job = call.job
    if job is not None:
        if job.cached:
            facts["cached"] = True
        if job.attempts > 1:
            facts["attempts"] = job.attempts
        if job.stopped_by is not NOT_STOPPED:
            facts["stopped_by"] = job.stopped_by
        if job.worker is not None:
            facts["worker"] = job.worker
    return facts


def _behind(call: Call) -> dict[str, Any]:
    """What became an output that the body did not return: another value, or an error."""
    if call.answered is None:
        return {"value": (call.value, call.artifact) if call.plan.gives_artifact else call.value}
    answered, call.answered = call.answered, None  # or its traceback would lead back to the call
    return {"answered": answered}


def _given(call: Call) -> dict[str, Any]:
    """What the caller gave to go with the events; the colours go with one each."""
    return {key: value for key, value in (call.extras or {}).items() if key not in _NOT_OF_EVENTS}


_NOT_OF_EVENTS = frozenset({"verbose", "start_color", "color"})
