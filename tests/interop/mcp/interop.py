"""The MCP part of `make interop`: the official conformance suite, and servers that others wrote.

    python -m tests.interop.mcp.interop

Installs what it needs beside the packages of this environment; needs npm, and git for one of the servers.
"""

from __future__ import annotations

import sys

from tests.interop.mcp import real_servers
from tests.interop.mcp.conformance import suite
from tests.interop.mcp.packages import install


def main() -> int:
    """Run both; the exit status."""
    install()
    print("MCP: the official conformance suite against toolrun mcp serve")
    conforms = suite.main()
    print("\nMCP: servers of others as sources of tools")
    return real_servers.main() or conforms


if __name__ == "__main__":
    sys.exit(main())
