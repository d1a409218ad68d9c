"""Puts toolrun's packages in the place of langchain-core's, before anything of langchain-core is imported.

The folders beside this file are laid out as `langchain_core.callbacks`, `.tools` and `.tracers` are. Each module says
what it takes from toolrun; names that only the peer and its tests know are made here, so that they stay out of
toolrun. Modules that toolrun has no counterpart of (event streams, the LangSmith tracer) are not here: for them the
peer's own are found, and run on top of toolrun's classes.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).resolve().parent
HOST = "langchain_core"
REPLACED = {f"{HOST}.{name}": HERE / name for name in ("callbacks", "tools", "tracers")}


class Finder:
    """Finds the replaced packages here; their modules here first, then in the peer."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: Any = None) -> ModuleSpec | None:
        folder = REPLACED.get(name)
        if folder is None or path is None:
            return None
        folders = [str(folder), *(str(Path(one) / folder.name) for one in path)]
        return importlib.util.spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=folders)


def install() -> None:
    """Take the place of the peer's packages, and of the one class of theirs that lives outside them."""
    if early := REPLACED.keys() & sys.modules.keys():
        raise RuntimeError(f"{sorted(early)} are imported already, and so the peer's own are in use")
    sys.meta_path.insert(0, Finder())
    from toolrun.tracers import TracerException

    importlib.import_module(f"{HOST}.exceptions").TracerException = TracerException


def peers_own(name: str) -> ModuleType:
    """The peer's own module in place of which one is found here, under another name."""
    folder = Path(importlib.import_module(HOST).__path__[0])
    spec = importlib.util.spec_from_file_location(f"peers_own.{name}", folder / f"{name.replace('.', '/')}.py")
    assert spec and spec.loader
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
