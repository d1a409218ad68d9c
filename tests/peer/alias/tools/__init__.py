from importlib import import_module
from typing import Any

from toolrun.tools import *  # noqa: F403
from toolrun.tools.convert import convert_runnable_to_tool  # noqa: F401


def __getattr__(name: str) -> Any:
    if name in ("create_retriever_tool", "RetrieverInput"):
        return getattr(import_module(f"{__name__}.retriever"), name)
    raise AttributeError(name)
