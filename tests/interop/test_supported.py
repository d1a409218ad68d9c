"""Each bridge to an agent framework says what is missing or too old, before it imports anything of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

BRIDGES = [
    ("langchain", "langchain-core", "langchain", "langchain_core"),
    ("openai_agents", "openai-agents", "openai-agents", "agents"),
    ("pydantic_ai", "pydantic-ai-slim", "pydantic-ai", "pydantic_ai"),
]
PROGRAM = """
import importlib.metadata, sys

def version(package):
    if not {found!r}:
        raise importlib.metadata.PackageNotFoundError(package)
    return {found!r}

importlib.metadata.version = version
try:
    import toolrun.interop.{bridge}
except ImportError as error:
    print(type(error).__name__, error)
print({module!r} in sys.modules)
"""


@pytest.mark.parametrize(("bridge", "package", "extra", "module"), BRIDGES, ids=[bridge[0] for bridge in BRIDGES])
@pytest.mark.parametrize("found", ["", "0.1.0", "99.0"])
def test_what_is_missing_or_too_old_is_said_with_the_command(
    found: str, bridge: str, package: str, extra: str, module: str
) -> None:
    program = PROGRAM.format(found=found, bridge=bridge, module=module)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    said, imported = ended.stdout.splitlines()
    assert imported == "False"
    assert f"pip install {'' if not found else '--upgrade '}'toolrun[{extra}]'" in said
    assert (f"UnsupportedRelease {package} {found}" if found else f"MissingExtra {package!r}") in said
