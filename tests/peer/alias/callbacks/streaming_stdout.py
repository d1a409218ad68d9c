from toolrun.callbacks.streaming_stdout import *  # noqa: F403
