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
    if not found:
        raise importlib.metadata.PackageNotFoundError(package)
    return found

importlib.metadata.version = version
for found in ("", "0.1.0", "99.0"):
    try:
        import toolrun.interop.{bridge}
    except ImportError as error:
        print(type(error).__name__, error)
print({module!r} in sys.modules)
"""


@pytest.mark.parametrize(("bridge", "package", "extra", "module"), BRIDGES, ids=[bridge[0] for bridge in BRIDGES])
def test_what_is_missing_too_old_or_too_new_is_said_with_the_command(
    bridge: str, package: str, extra: str, module: str
) -> None:
    program = PROGRAM.format(bridge=bridge, module=module)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    missing, old, new, imported = ended.stdout.splitlines()
    assert missing == f"MissingExtra {package!r} is not installed. Install the extra: pip install 'toolrun[{extra}]'"
    for said, found in ((old, "0.1.0"), (new, "99.0")):
        assert said.startswith(f"UnsupportedRelease {package} {found} is installed; toolrun works with {package} from ")
        assert said.endswith(f"pip install --upgrade 'toolrun[{extra}]'")
    assert imported == "False"
