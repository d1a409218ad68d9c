"""Facts of a callable, found once: its kind, its parameters, and what their annotations mean.

Anything that can be called will do: functions, methods, partials, classes, objects with `__call__`, and
wrappers made by `functools.wraps`. `inspect.signature` says which parameters there are. Their annotations
may be strings (postponed, or quoted); each is resolved on its own and when first asked for, in the globals of
the function that declares it, so that one name that cannot be resolved does not hide the others.
"""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from inspect import Parameter
from typing import Any

__all__ = ["Kind", "Parameter", "Signature", "kind_of"]


class Kind(Enum):
    """What a callable gives when it is called."""

    FUNCTION = "function"
    COROUTINE = "coroutine"
    GENERATOR = "generator"
    ASYNC_GENERATOR = "async generator"

    @property
    def is_async(self) -> bool:
        return self in (Kind.COROUTINE, Kind.ASYNC_GENERATOR)


def kind_of(function: Callable[..., Any]) -> Kind:
    """What the callable gives; partials, methods and objects with `__call__` are seen through, classes are not."""
    if isinstance(function, functools.partial):
        return kind_of(function.func)
    if not isinstance(function, type) and not inspect.isroutine(function):
        function = type(function).__call__
    if inspect.iscoroutinefunction(function):
        return Kind.COROUTINE
    if inspect.isasyncgenfunction(function):
        return Kind.ASYNC_GENERATOR
    return Kind.GENERATOR if inspect.isgeneratorfunction(function) else Kind.FUNCTION


class Signature:
    """The parameters of a callable, with their annotations resolved on demand."""

    __slots__ = ("_namespace", "_resolved", "function", "kind", "known", "parameters")

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.kind = kind_of(function)
        self.parameters = _parameters(function)
        self.known = self.parameters is not _UNKNOWN
        """False for callables written in C that do not tell their parameters."""
        self._resolved: dict[str, Any] = {}
        self._namespace: dict[str, Any] | None = None

    def annotation(self, name: str) -> Any:
        """The parameter's annotation: `Parameter.empty` for none, the bare string if it cannot be resolved."""
        if name not in self._resolved:
            self._resolved[name] = self._resolve(self.parameters[name].annotation)
        return self._resolved[name]

    @property
    def returns(self) -> Any:
        """The annotation of what the callable returns, resolved as those of its parameters are."""
        return self._resolve(inspect.signature(self.function).return_annotation if self.known else Parameter.empty)

    def _resolve(self, annotation: Any) -> Any:
        if annotation is Parameter.empty:
            return annotation
        if self._namespace is None:
            self._namespace = _namespace(self.function)
        return resolve(annotation, self._namespace)


def resolve(annotation: Any, namespace: dict[str, Any]) -> Any:
    """The annotation with all strings in it evaluated, or just as it is when that fails."""

    def holder() -> None: ...

    holder.__annotations__ = {"annotation": annotation}
    try:
        return typing.get_type_hints(holder, globalns=namespace, include_extras=True)["annotation"]
    except Exception:
        return annotation


_UNKNOWN: Mapping[str, Parameter] = {}


def _parameters(function: Callable[..., Any]) -> Mapping[str, Parameter]:
    try:
        return inspect.signature(function).parameters
    except ValueError:
        return _UNKNOWN


def _namespace(function: Any) -> dict[str, Any]:
    """The globals of the function whose parameters `inspect.signature` shows."""
    function = inspect.unwrap(function, stop=lambda wrapper: hasattr(wrapper, "__signature__"))
    if isinstance(function, functools.partial):
        return _namespace(function.func)
    if isinstance(function, type):
        return _namespace(_constructor(function))
    if inspect.ismethod(function):
        return _namespace(function.__func__)
    if not inspect.isroutine(function):
        return _namespace(type(function).__call__)
    return getattr(function, "__globals__", {})


def _constructor(cls: type) -> Any:
    """The function that takes the arguments of `cls(...)`, in the order in which `inspect` looks for it."""
    candidates = (type(cls).__call__, cls.__new__, cls.__init__)  # type: ignore[misc]
    return next(filter(inspect.isfunction, candidates), cls.__init__)  # type: ignore[misc]
