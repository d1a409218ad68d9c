"""The place where the peer's tests run: an environment of their own and the peer's source package.

Both live under `.cache/peer`, are made on first use, and are made anew when what they are made from changes.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SRC = ROOT / "src"
CACHE = ROOT / ".cache" / "peer"
REQUIREMENTS = HERE / "requirements.txt"
PEER = "langchain-core"
VERSION = "1.8.2"
TESTS = "tests/unit_tests/"


@dataclass(frozen=True)
class Environment:
    """A Python that has what the peer's tests need, and the folder of the peer's source."""

    python: Path
    source: Path


def prepare() -> Environment:
    """Make what is missing of the environment and the source, and say where they are."""
    CACHE.mkdir(parents=True, exist_ok=True)
    python = _environment(CACHE / "venv")
    return Environment(python, _source(CACHE, python))


def _environment(folder: Path) -> Path:
    python, stamp, needs = folder / "bin" / "python", folder / "made-from.txt", _needs()
    if not stamp.exists() or stamp.read_text() != needs:
        print(f"making the environment of the peer's tests in {folder.relative_to(ROOT)}", flush=True)
        subprocess.run([sys.executable, ROOT / ".ci" / "make_venv.py", folder], check=True)
        requirements = CACHE / "requirements.txt"
        requirements.write_text(needs)
        _pip(python, "install", "-r", str(requirements))
        stamp.write_text(needs)
    return python


def _needs() -> str:
    """What the environment is made from: what the peer needs, and what toolrun does (itself it is run from `src`)."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return "\n".join([f"# Python {sys.version_info}", REQUIREMENTS.read_text(), *project["dependencies"]]) + "\n"


def _source(cache: Path, python: Path) -> Path:
    folder = cache / f"langchain_core-{VERSION}"
    if not (folder / TESTS).is_dir():
        print(f"fetching the source package of {PEER} {VERSION}", flush=True)
        package = ("--no-deps", "--no-binary", ":all:", "--dest", str(cache), f"{PEER}=={VERSION}")
        _pip(python, "download", *package)
        with tarfile.open(cache / f"{folder.name}.tar.gz") as archive:
            # The safe filter came with a patch release of 3.11 that some systems do not have.
            archive.extractall(cache, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    _say_which_release(folder)
    return folder


def _say_which_release(folder: Path) -> None:
    """Say it as an installed package does: the bridge asks for the release, and a source package does not tell."""
    said = folder / f"langchain_core-{VERSION}.dist-info" / "METADATA"
    if not said.exists():
        said.parent.mkdir(exist_ok=True)
        said.write_text(f"Metadata-Version: 2.1\nName: {PEER}\nVersion: {VERSION}\n")


def _pip(python: Path, *arguments: str) -> None:
    subprocess.run([python, "-m", "pip", arguments[0], "-qq", *arguments[1:]], check=True)
