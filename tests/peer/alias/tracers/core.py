from toolrun.tracers._core import TracerCore as _TracerCore  # noqa: F401
