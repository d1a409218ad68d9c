from toolrun.tracers import ConsoleCallbackHandler, FunctionCallbackHandler  # noqa: F401
