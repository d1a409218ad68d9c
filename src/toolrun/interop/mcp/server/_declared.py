"""A tool as `tools/list` declares it.

What only MCP knows of, a tool says in `extras["mcp"]`, in the protocol's own words: `title`, `annotations` such as
`readOnlyHint`, `outputSchema`, `icons`, `_meta`.
"""

from __future__ import annotations

from typing import Any

from mcp_types import Tool
from pydantic import ValidationError

from toolrun.interop.mcp.server._output import Output, output_of
from toolrun.tools import BaseTool
from toolrun.tools.exceptions import InvalidTool
from toolrun.tools.formats._format import parameters_of


class Declared:
    """A tool, and what its clients are told of it."""

    def __init__(self, tool: BaseTool) -> None:
        self.tool = tool
        said = (tool.extras or {}).get("mcp") or {}
        self.output: Output | None = None if "outputSchema" in said else output_of(tool)
        self.entry = _entry(tool, said, self.output)


def _entry(tool: BaseTool, said: dict[str, Any], output: Output | None) -> Tool:
    entry = {"name": tool.name, "description": tool.description, "inputSchema": parameters_of(tool)}
    if output is not None:
        entry["outputSchema"] = output.schema
    try:
        return Tool.model_validate({**entry, **said, "annotations": _annotations(tool, said)})
    except ValidationError as error:
        [first, *_] = error.errors()
        raise InvalidTool(tool.name, f"extras['mcp'] at {'.'.join(map(str, first['loc']))}: {first['msg']}.") from None


def _annotations(tool: BaseTool, said: dict[str, Any]) -> Any:
    """What the tool says, and that it is not idempotent where that is known. By default it is not known."""
    own = {} if tool.idempotent else {"idempotentHint": False}
    return {**own, **(said.get("annotations") or {})} or None
