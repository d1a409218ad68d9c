from toolrun.tools import tool  # noqa: F401
from toolrun.tools.convert import convert_runnable_to_tool  # noqa: F401
