"""What `make interop` needs from elsewhere: Node and programs of npm, and servers of PyPI, in a folder of their own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(sys.prefix) / "interop"
"""Beside the packages of the environment that runs the tests."""

NPM = {
    "node": "22",
    "@modelcontextprotocol/conformance": "0.1.16",
    "@modelcontextprotocol/server-everything": "2026.8.31",
    "@modelcontextprotocol/server-filesystem": "2026.8.31",
}
PYPI = ("mcp-server-time==2026.10.19", "mcp-server-git==2026.10.19")

NODE = FOLDER / "node_modules" / ".bin" / "node"
SUITE = FOLDER / "node_modules" / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"


def program(name: str) -> Path:
    """A program of npm."""
    return FOLDER / "node_modules" / ".bin" / name


def module_of_pypi(name: str) -> list[str]:
    """The command line of a server of PyPI; it has an environment of its own, so that it brings nothing into ours."""
    return [str(FOLDER / "servers" / "bin" / "python"), "-m", name.replace("-", "_")]


def install() -> None:
    """Install what is not there yet."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = json.dumps({"private": True, "dependencies": NPM})
    package = FOLDER / "package.json"
    if not SUITE.exists() or package.read_text() != wanted:
        if shutil.which("npm") is None:
            raise SystemExit("npm is not installed; with it, make interop installs Node 22 and the rest by itself")
        package.write_text(wanted)
        _run("npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", FOLDER)
    if not (FOLDER / "servers").exists():
        _run(sys.executable, "-m", "venv", FOLDER / "servers")
        _run(FOLDER / "servers" / "bin" / "python", "-m", "pip", "install", "--quiet", *PYPI)


def _run(*command: str | Path) -> None:
    subprocess.run([str(word) for word in command], check=True)
