from toolrun.tracers import RunCollectorCallbackHandler  # noqa: F401
