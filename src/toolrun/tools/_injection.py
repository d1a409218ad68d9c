"""Parameters that toolrun itself fills in: the config, the run manager, the callbacks for what the tool calls.

By annotation, whatever the parameter's name is:

    RunConfig, LangChain's RunnableConfig      the config for calls made inside the tool
    CallbackManagerForToolRun, and its twin    the run manager of this run
    Callbacks, CallbackManager, and its twin   a callback manager: what is called with it becomes a child of this run

Parameters named `run_manager` and `callbacks` are filled in without an annotation too, and `callbacks` is always the
manager for children. With any other annotation they are arguments like all others.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter
from typing import Any, get_args

from toolrun._signature import Signature
from toolrun.callbacks import BaseCallbackHandler, BaseCallbackManager, BaseRunManager
from toolrun.tools._same_names import is_langchains
from toolrun.tools.config import RunConfig, child_config
from toolrun.tools.injected import InjectedToolCallId, alternatives, is_injected, is_marked

FILTERED_ARGS = ("run_manager", "callbacks")
"""Names that are filled in even without an annotation."""

Filler = Callable[[Any, "RunConfig | None"], Any]
"""Gives the value of a parameter from the run manager and the config of the call."""


def _config(run: Any, config: RunConfig | None) -> Any:
    return child_config(config, run)


def _run_manager(run: Any, config: RunConfig | None) -> Any:
    return run


def _child_manager(run: Any, config: RunConfig | None) -> Any:
    return run.get_child()


def fillers(signature: Signature) -> dict[str, Filler]:
    """The parameters that toolrun fills in, and how."""
    found = ((name, _filler(name, signature.annotation(name))) for name in signature.parameters)
    return {name: filler for name, filler in found if filler is not None}


def injected_names(signature: Signature) -> frozenset[str]:
    """The parameters that the caller fills in besides the model's arguments, by what their annotations say."""
    return frozenset(name for name in signature.parameters if is_injected(signature.annotation(name)))


def tool_call_id_names(signature: Signature) -> frozenset[str]:
    """The parameters that want the id of the tool call."""
    return frozenset(name for name in signature.parameters if is_marked(signature.annotation(name), InjectedToolCallId))


def _filler(name: str, annotation: Any) -> Filler | None:
    if name in FILTERED_ARGS and _says_nothing(annotation):
        return _run_manager if name == "run_manager" else _child_manager
    members = alternatives(annotation)
    if any(member is RunConfig or is_langchains(member, "RunnableConfig") for member in members):
        return _config
    if any(_is_subclass(member, BaseRunManager) for member in members):
        return _child_manager if name == "callbacks" else _run_manager
    if any(_is_subclass(kind, BaseCallbackManager) or _is_handlers(kind) for kind in members):
        return _child_manager
    return None


def _says_nothing(annotation: Any) -> bool:
    """No annotation, `Any`, or one of callbacks that is imported under TYPE_CHECKING and so cannot be resolved."""
    if isinstance(annotation, str):
        return "Callback" in annotation or "RunManager" in annotation
    return annotation is Parameter.empty or annotation is Any


def _is_handlers(annotation: Any) -> bool:
    """Whether the annotation is like `list[BaseCallbackHandler]`."""
    return any(_is_subclass(item, BaseCallbackHandler) for item in get_args(annotation))


def _is_subclass(annotation: Any, base: type) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, base)
