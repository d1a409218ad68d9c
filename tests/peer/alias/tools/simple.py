from toolrun.tools import Tool  # noqa: F401
