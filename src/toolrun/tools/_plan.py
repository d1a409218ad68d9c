"""The plan of a tool: everything about it that calls need and that does not change, found out once.

It is compiled at the first call and kept in a slot of the tool, not among its fields: a copy or a pickled
tool has none and compiles its own. Setting a field that it depends on drops it (`BaseTool.__setattr__`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from toolrun._signature import Signature
from toolrun.execution.body import Body
from toolrun.execution.governor import Resources, Ways
from toolrun.tools._binding import Arguments, Binder
from toolrun.tools._injection import fillers

if TYPE_CHECKING:
    from toolrun.tools.base import BaseTool
    from toolrun.tools.config import RunConfig


class Target:
    """A body, how it runs, and the parameters of it that toolrun fills in."""

    __slots__ = ("body", "fillers", "way", "ways")

    def __init__(self, function: Callable[..., Any], tool: BaseTool, *, awaited: bool) -> None:
        self.body = Body(function)
        self.fillers = fillers(Signature(function))
        self.ways = Ways(tool.policy, tool.name, resources_of(tool), is_async=self.body.is_async, awaited=awaited)
        self.way = self.ways.usual
        """How the body runs, unless the call or the runner says more."""

    def rebound(self, function: Callable[..., Any]) -> Target:
        """The same for another function of the same kind and signature."""
        target = Target.__new__(Target)
        target.body = Body(function, self.body.kind)
        target.fillers, target.ways, target.way = self.fillers, self.ways, self.way
        return target

    def filled(self, arguments: Arguments, run: Any, config: RunConfig | None) -> Arguments:
        """The arguments with those that toolrun fills in."""
        if not self.fillers:
            return arguments
        return {**arguments, **{name: fill(run, config) for name, fill in self.fillers.items()}}


class Plan:
    """A tool, compiled."""

    __slots__ = ("arun", "bind", "binder", "description", "gives_artifact", "may_listen", "name", "run")

    def __init__(self, tool: BaseTool) -> None:
        function, coroutine = tool._functions()
        some = function or coroutine
        assert some is not None, "BaseTool.__init__ sees to it"
        self.run = Target(some, tool, awaited=False)
        """What a sync caller runs."""
        self.arun = Target(coroutine or some, tool, awaited=True)
        """What an async caller runs."""
        self.name, self.description = tool.name, tool.description
        self.gives_artifact = tool.response_format == "content_and_artifact"
        self.may_listen = tool.verbose or (tool.callbacks, tool.tags, tool.metadata) != (None, None, None)
        """Whether the tool may have handlers, tags or metadata of its own: a list that is empty now may be filled."""
        self.binder = Binder(tool.name, tool.args_schema, [Signature(one) for one in tool._sources() if one])
        self.bind = tool._bind_with(self.binder)

    def rebound(self, function: Callable[..., Any]) -> Plan:
        """The same plan for another function of the same kind and signature: the method of another instance."""
        plan = Plan.__new__(Plan)
        plan.name, plan.description, plan.binder, plan.bind = self.name, self.description, self.binder, self.bind
        plan.gives_artifact, plan.may_listen = self.gives_artifact, self.may_listen
        plan.run, plan.arun = self.run.rebound(function), self.arun.rebound(function)
        return plan


def plan_of(tool: BaseTool) -> Plan:
    """The tool's plan, compiled now if it has none."""
    try:
        return tool._plan
    except AttributeError:
        plan = Plan(tool)
        object.__setattr__(tool, "_plan", plan)
        return plan


def resources_of(tool: BaseTool) -> Resources:
    """What the tool shares with its copies: limits, and cached results."""
    try:
        return tool._resources
    except AttributeError:
        resources = Resources()
        object.__setattr__(tool, "_resources", resources)
        return resources
