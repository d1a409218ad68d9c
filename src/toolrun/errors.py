"""What can go wrong, each condition a class of its own.

Every error builds its message from facts that stay as attributes: what happened, where, what to do.
"""

from __future__ import annotations


class ToolrunError(Exception):
    """The base of every error that toolrun raises itself."""


class UnknownEvent(ToolrunError, TypeError):
    """A handler defines a method that nearly spells an event, and so would never be called."""

    def __init__(self, handler_type: type, method: str, nearest: str) -> None:
        self.handler_type, self.method, self.nearest = handler_type, method, nearest
        super().__init__(
            f"{handler_type.__name__}.{method} is no event. Did you mean {nearest!r}? "
            f"Rename it, or give it a name that does not begin with 'on_'."
        )


class InvalidHandler(ToolrunError, TypeError):
    """Something that cannot serve as a callback handler was given as one."""

    def __init__(self, value: object, why: str = "") -> None:
        self.value = value
        why = why or ("it is a class: pass an instance" if isinstance(value, type) else "it has no event method")
        super().__init__(f"callbacks takes a list of handlers or a callback manager; {value!r} does not do: {why}.")


class NoCurrentRun(ToolrunError, RuntimeError):
    """A custom event was dispatched outside any run."""

    def __init__(self, event: str) -> None:
        self.event = event
        super().__init__(
            f"The custom event {event!r} has no run to belong to: dispatch it inside a tool, or pass config= "
            "with the callbacks of a run (run_manager.get_child())."
        )


class MissingExtra(ToolrunError, ImportError):
    """A part of toolrun was asked for whose library is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(f"{package!r} is not installed. Install the extra: pip install 'toolrun[{extra}]'")


class UnsupportedRelease(ToolrunError, ImportError):
    """A library is installed in a release that toolrun does not know how to work with."""

    def __init__(self, package: str, found: str, supported: str, extra: str) -> None:
        self.package, self.found, self.supported, self.extra = package, found, supported, extra
        super().__init__(
            f"{package} {found} is installed; toolrun works with {package} {supported}. "
            f"Install that: pip install --upgrade 'toolrun[{extra}]'"
        )


class ControlFlow(BaseException):
    """The base for exceptions that pause an agent rather than report a fault.

    A run that ends by one is `paused`: handlers get `on_tool_error(error, paused=True)`.
    Classes of other libraries join by `register_control_flow`.
    """


_control_flow: tuple[type[BaseException], ...] = (ControlFlow,)


def register_control_flow(kind: type[BaseException]) -> None:
    """Treat exceptions of this class as a pause, not as a fault. Registering twice is the same as once."""
    global _control_flow
    if kind not in _control_flow:
        _control_flow = (*_control_flow, kind)


def is_control_flow(error: BaseException) -> bool:
    """Whether the exception pauses a run; also true for LangGraph's interrupts, which need no registration."""
    return isinstance(error, _control_flow) or any(
        kind.__name__ == "GraphBubbleUp" and kind.__module__.startswith("langgraph") for kind in type(error).__mro__
    )
