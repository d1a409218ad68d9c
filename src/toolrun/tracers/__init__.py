"""Tracers: handlers that keep the tree of runs, not only its single events.

schemas         Run, a node of the tree
base            BaseTracer        async_base      AsyncBaseTracer
_core           the tree of runs in flight, and what each event does to it; both bases only drive it
_records        how a run's record begins, grows and ends
run_collector   keeps finished trees              stdout          says in words what every run does
root_listeners  tells when the outermost run starts and ends
"""

from __future__ import annotations

from toolrun.tracers._core import TracerException
from toolrun.tracers.async_base import AsyncBaseTracer
from toolrun.tracers.base import BaseTracer
from toolrun.tracers.root_listeners import AsyncRootListenersTracer, RootListenersTracer
from toolrun.tracers.run_collector import RunCollectorCallbackHandler, collect_runs
from toolrun.tracers.schemas import Run
from toolrun.tracers.stdout import ConsoleCallbackHandler, FunctionCallbackHandler

__all__ = [
    "AsyncBaseTracer",
    "AsyncRootListenersTracer",
    "BaseTracer",
    "ConsoleCallbackHandler",
    "FunctionCallbackHandler",
    "RootListenersTracer",
    "Run",
    "RunCollectorCallbackHandler",
    "TracerException",
    "collect_runs",
]
