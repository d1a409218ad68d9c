from toolrun.tools import StructuredTool  # noqa: F401
