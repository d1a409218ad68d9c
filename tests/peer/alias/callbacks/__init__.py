from toolrun.callbacks import *  # noqa: F403
from toolrun.callbacks import BaseCallbackHandler, BaseCallbackManager

Callbacks = list[BaseCallbackHandler] | BaseCallbackManager | None
"""A type that pydantic can use, since the peer's own models have a field of it."""
