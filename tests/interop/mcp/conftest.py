"""Clients and servers of MCP for tests; without the SDK every file of this folder is skipped, and says so."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent


class WithoutTheSDK(pytest.Module):
    def collect(self) -> list[pytest.Item]:
        pytest.skip("mcp is not installed: pip install 'toolrun[mcp]'", allow_module_level=True)


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    if find_spec("mcp") is None and HERE in module_path.parents:
        return WithoutTheSDK.from_parent(parent, path=module_path)
    return None


@pytest.fixture(params=["legacy", "2026-07-28"])
def revision(request: pytest.FixtureRequest) -> str:
    """How the client speaks: by the handshake that ends in 2025-11-25, or as the newest revision has it."""
    return str(request.param)
