"""What is ours of the tracing context; LangSmith's part is the peer's own."""

from alias import peers_own
from toolrun.callbacks import register_configure_hook  # noqa: F401
from toolrun.tracers import collect_runs  # noqa: F401

_own = peers_own("tracers.context")
_get_trace_callbacks = _own._get_trace_callbacks
_get_tracer_kwargs = _own._get_tracer_kwargs
_tracing_v2_is_enabled = _own._tracing_v2_is_enabled
tracing_v2_enabled = _own.tracing_v2_enabled
