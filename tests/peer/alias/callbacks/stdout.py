from toolrun.callbacks.stdout import *  # noqa: F403
