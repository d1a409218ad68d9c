from toolrun.tracers import Run  # noqa: F401
