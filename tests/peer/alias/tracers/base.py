from toolrun.tracers import AsyncBaseTracer, BaseTracer, TracerException  # noqa: F401
