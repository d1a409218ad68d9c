from toolrun.tools.render import *  # noqa: F403
