"""Token usage of model calls, added up per model name."""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from toolrun.callbacks._configure import register_configure_hook
from toolrun.callbacks.base import BaseCallbackHandler


def _added(left: Any, right: Any) -> Any:
    """Two usage records added up, number by number, however deep."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return {key: _added(left.get(key), right.get(key)) for key in (*left, *(k for k in right if k not in left))}
    if left is None or right is None:
        return right if left is None else left
    return left + right


class UsageMetadataCallbackHandler(BaseCallbackHandler):
    """Collects `usage_metadata` of every model's answers: a dict by model name. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.usage_metadata: dict[str, Any] = {}

    def __repr__(self) -> str:
        return str(self.usage_metadata)

    def on_llm_end(self, response: Any, **kwargs: Any) -> None:
        """Add the usage of the answer, if it says its model's name and usage."""
        try:
            message = response.generations[0][0].message
            usage, model = message.usage_metadata, message.response_metadata.get("model_name")
        except (AttributeError, IndexError):
            return
        if usage and model:
            with self._lock:
                self.usage_metadata[model] = _added(self.usage_metadata.get(model), usage)


_active: ContextVar[tuple[UsageMetadataCallbackHandler, ...] | None] = ContextVar("toolrun_usage", default=None)


@contextmanager
def get_usage_metadata_callback(
    name: str = "usage_metadata_callback",
) -> Generator[UsageMetadataCallbackHandler, None, None]:
    """Collect the usage of every model call in the block; blocks may be nested. `name` has no effect."""
    register_configure_hook(_active, inheritable=True)  # once; not before it is needed, for every run looks at hooks
    handler = UsageMetadataCallbackHandler()
    token = _active.set((*(_active.get() or ()), handler))
    try:
        yield handler
    finally:
        _active.reset(token)
