"""Callbacks: watch runs of tools, chains, models and retrievers, sync or async.

From the bottom up; each imports only what stands above it:

    base            the handlers: the one declaration of every event
    _lane, _plan    background lanes; who is called for an event, found out once
    _events         an event on its way, which tells itself to one handler after the other
    _delivery       what both drivers share: _deliver_sync, _deliver_async with its _line
    _scope          handlers, tags, metadata and parent of a run, as one value
    run_manager     the handle of an open run
    manager         opens runs; _configure says with which handlers
    context         the run that the code is in
    group, custom   chain groups, custom events
    stdout, streaming_stdout, file, usage    the plain handlers
"""

from toolrun.callbacks._configure import register_configure_hook
from toolrun.callbacks._flush import flush, flush_sync
from toolrun.callbacks.base import (
    AsyncCallbackHandler,
    BaseCallbackHandler,
    CallbackManagerMixin,
    ChainManagerMixin,
    LLMManagerMixin,
    RetrieverManagerMixin,
    RunManagerMixin,
    ToolManagerMixin,
)
from toolrun.callbacks.context import current_run
from toolrun.callbacks.custom import adispatch_custom_event, dispatch_custom_event
from toolrun.callbacks.file import FileCallbackHandler
from toolrun.callbacks.group import (
    AsyncCallbackManagerForChainGroup,
    CallbackManagerForChainGroup,
    atrace_as_chain_group,
    trace_as_chain_group,
)
from toolrun.callbacks.manager import AsyncCallbackManager, BaseCallbackManager, CallbackManager, Callbacks
from toolrun.callbacks.run_manager import (
    AsyncCallbackManagerForChainRun,
    AsyncCallbackManagerForLLMRun,
    AsyncCallbackManagerForRetrieverRun,
    AsyncCallbackManagerForToolRun,
    AsyncParentRunManager,
    AsyncRunManager,
    BaseRunManager,
    CallbackManagerForChainRun,
    CallbackManagerForLLMRun,
    CallbackManagerForRetrieverRun,
    CallbackManagerForToolRun,
    ParentRunManager,
    RunManager,
)
from toolrun.callbacks.stdout import StdOutCallbackHandler
from toolrun.callbacks.streaming_stdout import StreamingStdOutCallbackHandler
from toolrun.callbacks.usage import UsageMetadataCallbackHandler, get_usage_metadata_callback

__all__ = [
    "AsyncCallbackHandler",
    "AsyncCallbackManager",
    "AsyncCallbackManagerForChainGroup",
    "AsyncCallbackManagerForChainRun",
    "AsyncCallbackManagerForLLMRun",
    "AsyncCallbackManagerForRetrieverRun",
    "AsyncCallbackManagerForToolRun",
    "AsyncParentRunManager",
    "AsyncRunManager",
    "BaseCallbackHandler",
    "BaseCallbackManager",
    "BaseRunManager",
    "CallbackManager",
    "CallbackManagerForChainGroup",
    "CallbackManagerForChainRun",
    "CallbackManagerForLLMRun",
    "CallbackManagerForRetrieverRun",
    "CallbackManagerForToolRun",
    "CallbackManagerMixin",
    "Callbacks",
    "ChainManagerMixin",
    "FileCallbackHandler",
    "LLMManagerMixin",
    "ParentRunManager",
    "RetrieverManagerMixin",
    "RunManager",
    "RunManagerMixin",
    "StdOutCallbackHandler",
    "StreamingStdOutCallbackHandler",
    "ToolManagerMixin",
    "UsageMetadataCallbackHandler",
    "adispatch_custom_event",
    "atrace_as_chain_group",
    "current_run",
    "dispatch_custom_event",
    "flush",
    "flush_sync",
    "get_usage_metadata_callback",
    "register_configure_hook",
    "trace_as_chain_group",
]
