"""The tools of any MCP server, for us."""
