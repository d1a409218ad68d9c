"""What can go wrong with the running of a body, apart from what the body itself raises."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, ClassVar

from toolrun.errors import ToolrunError
from toolrun.run import NOT_STOPPED, RunStatus, StoppedBy


class _OfFacts(ToolrunError):
    """An error that is made of facts; made again from them when it comes from another process."""

    facts: ClassVar[tuple[str, ...]]

    def __reduce__(self) -> Any:
        return type(self), tuple(getattr(self, fact) for fact in self.facts)


class ToolTimeout(_OfFacts, TimeoutError):
    """A body did not end within its timeout."""

    run_status = RunStatus.TIMEOUT
    facts = ("tool", "seconds", "stopped_by")

    def __init__(self, tool: str, seconds: float, stopped_by: StoppedBy = NOT_STOPPED) -> None:
        self.tool, self.seconds, self.stopped_by = tool, seconds, stopped_by
        super().__init__(f"Tool {tool!r} did not end within its timeout of {seconds:g} s{_ENDINGS[stopped_by]}.")


_ENDINGS = {
    StoppedBy.NONE: "",
    StoppedBy.COOPERATION: " and stopped when asked to",
    StoppedBy.EXCEPTION: " and was stopped by an exception",
    StoppedBy.KILL: " and was killed",
    StoppedBy.ABANDONED: " and would not stop, so it was left behind (engine='processes' can kill a sync tool)",
}


class WorkerCrashed(_OfFacts, RuntimeError):
    """The worker process died while it ran the body."""

    run_status = RunStatus.CRASHED
    facts = ("tool", "exit_code")

    def __init__(self, tool: str, exit_code: int | None) -> None:
        self.tool, self.exit_code = tool, exit_code
        how = f"by signal {-exit_code}" if exit_code is not None and exit_code < 0 else f"with exit code {exit_code}"
        super().__init__(f"The worker process of tool {tool!r} ended {how}.")


class SessionLost(_OfFacts, RuntimeError):
    """The process that a session lived in is gone, and its state with it."""

    run_status = RunStatus.CRASHED
    facts = ("session",)

    def __init__(self, session: Hashable) -> None:
        self.session = session
        super().__init__(f"Session {session!r} is lost: its worker process has ended. Begin a new session.")


class ToolDenied(_OfFacts, PermissionError):
    """A call needed approval and did not get it."""

    run_status = RunStatus.DENIED
    facts = ("tool", "reason")

    def __init__(self, tool: str, reason: str = "") -> None:
        self.tool, self.reason = tool, reason
        super().__init__(f"The call of tool {tool!r} was denied{f': {reason}' if reason else ''}.")


class NotPicklable(_OfFacts, TypeError):
    """Something had to go to a worker process, or come from it, and cannot be pickled."""

    facts = ("tool", "what", "why")

    def __init__(self, tool: str, what: str, why: str) -> None:
        self.tool, self.what, self.why = tool, what, why
        super().__init__(
            f"Tool {tool!r} cannot use a worker process: {what} cannot be pickled ({why}). "
            f"Define it at the top level of a module, or use engine='threads'."
        )


class InvalidPolicy(_OfFacts, ValueError):
    """What was said about how a tool is to run cannot be, or contradicts itself."""

    facts = ("tool", "problem", "remedy")

    def __init__(self, tool: str, problem: str, remedy: str) -> None:
        self.tool, self.problem, self.remedy = tool, problem, remedy
        super().__init__(f"{f'Tool {tool!r}: ' if tool else ''}{problem}. {remedy}.")
