"""The config of one call, and what of it is handed on to the calls inside."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any
from uuid import UUID

from typing_extensions import TypedDict

from toolrun.callbacks import Callbacks
from toolrun.execution.carried import carry
from toolrun.execution.retry import Retry


class RunConfig(TypedDict, total=False):
    """How one call is to run.

    A tool's parameter annotated with it receives a config whose callbacks are those of the running tool, so that
    what is called with it becomes a child of this run.
    """

    callbacks: Callbacks
    """A list of handlers, or the callback manager of a parent run."""
    tags: list[str]
    metadata: dict[str, Any]
    run_name: str
    """What handlers get as `name` of the start event, instead of the tool's name."""
    run_id: UUID
    max_concurrency: int
    """How many calls of a batch run at once."""
    configurable: dict[str, Any]
    """Values of the application's own, handed on to all calls inside."""
    timeout: float
    """Seconds for each attempt. This, `retry` and `engine` win over what the tool says: see `execution/policy.py`."""
    retry: Retry | int
    engine: str


_OF_ONE_CALL = frozenset({"callbacks", "run_name", "run_id", "timeout", "retry", "engine"})

_configurable: ContextVar[dict[str, Any] | None] = carry(ContextVar("toolrun_configurable", default=None))

share_configurable = _configurable.set
"""Called inside the context of a run: calls made in that context find these values."""


def configurable_of(config: RunConfig | None) -> dict[str, Any] | None:
    """The call's own `configurable` over that of the run around it."""
    around = _configurable.get()
    own = config.get("configurable") if config else None
    return {**around, **own} if around and own else own or around


def child_config(config: RunConfig | None, run: Any) -> RunConfig:
    """The config for calls made inside the run: what is about one call only stays behind.

    `tags`, `metadata` and `configurable` are always there, so tools may look into them without asking.
    """
    child: dict[str, Any] = {"tags": [], "metadata": {}}
    if config:
        child |= {k: v for k, v in config.items() if k not in _OF_ONE_CALL and v is not None}
    child["configurable"] = configurable_of(config) or {}
    child["callbacks"] = run.get_child()
    return child  # type: ignore[return-value]
