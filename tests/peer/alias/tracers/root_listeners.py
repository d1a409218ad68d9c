from toolrun.tracers.root_listeners import (  # noqa: F401
    AsyncListener,
    AsyncRootListenersTracer,
    Listener,
    RootListenersTracer,
)
