from langchain_core.callbacks import *  # noqa: F403
