from toolrun.callbacks.usage import *  # noqa: F403
