"""What `StructuredTool` and `Tool` share: a function, a coroutine function, or both, to run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import PlainSerializer, SkipValidation

from toolrun._signature import Signature
from toolrun.tools._injection import fillers
from toolrun.tools._schema import is_unbound_method
from toolrun.tools.base import BaseTool
from toolrun.tools.exceptions import InvalidTool

AsText = PlainSerializer(str, when_used="json-unless-none")


class FunctionTool(BaseTool):
    """A tool that runs functions it was given. The road calls them directly; `_run` and `_arun` are for subclasses."""

    description: str = ""
    func: Annotated[Callable[..., Any] | None, SkipValidation(), AsText] = None
    """What sync callers run: a function or a generator function."""
    coroutine: Annotated[Callable[..., Any] | None, SkipValidation(), AsText] = None
    """What async callers run: a coroutine function or an async generator function."""

    def __init__(self, **kwargs: Any) -> None:
        for field in ("func", "coroutine"):
            _check_function(kwargs.get("name", "?"), field, kwargs.get(field))
        super().__init__(**kwargs)

    def _run(self, *args: Any, config: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        """Call `func`, for subclasses that do something around it."""
        if self.func is None:
            return super()._run()
        return self.func(*args, **_filled(self.func, kwargs, run_manager, config))

    async def _arun(self, *args: Any, config: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        """Await `coroutine`, for subclasses that do something around it."""
        if self.coroutine is None:
            return await super()._arun(*args, config=config, run_manager=run_manager, **kwargs)
        return await self.coroutine(*args, **_filled(self.coroutine, kwargs, run_manager, config))

    def _functions(self) -> tuple[Callable[..., Any] | None, Callable[..., Any] | None]:
        kind = type(self)
        return (
            self.func if kind._run is FunctionTool._run else self._run,
            self.coroutine if kind._arun is FunctionTool._arun else self._arun,
        )

    def _sources(self) -> tuple[Callable[..., Any] | None, Callable[..., Any] | None]:
        return self.func, self.coroutine


def _check_function(tool: str, field: str, function: Any) -> None:
    if function is not None and not callable(function):
        raise InvalidTool(tool, f"{field} must be a function, not {function!r}.")
    if is_unbound_method(function):
        raise InvalidTool(
            tool,
            f"{function.__qualname__} is a method, and there is no instance to call it on. Make the tool of a method "
            f"of an instance: tool(instance.{function.__name__}).",
        )


def _filled(function: Callable[..., Any], arguments: dict[str, Any], run: Any, config: Any) -> dict[str, Any]:
    if run is None:
        return arguments
    return {**arguments, **{name: fill(run, config) for name, fill in fillers(Signature(function)).items()}}
