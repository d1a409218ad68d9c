from importlib import import_module
from typing import Any

from toolrun.tracers import BaseTracer, ConsoleCallbackHandler, Run  # noqa: F401

_PEERS_OWN = {"LangChainTracer": "langchain", "LogStreamCallbackHandler": "log_stream", "RunLog": "log_stream"}
_PEERS_OWN |= {"RunLogPatch": "log_stream", "EvaluatorCallbackHandler": "evaluation"}


def __getattr__(name: str) -> Any:
    if name not in _PEERS_OWN:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_PEERS_OWN[name]}"), name)
