from toolrun.callbacks.file import *  # noqa: F403
