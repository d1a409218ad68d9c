"""TOOLS on the command line: a Python file or module, optionally `:name`; or an MCP server (`_mcp_source.py`).

A module stands for its tools; if it has none, for its `__all__`, else for the public functions defined in it and
its public bound methods. A name stands for a tool, a list or mapping of tools or functions, an instance (its
public methods) or, any other callable, a factory that gives a session's own tools.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from types import ModuleType
from typing import Any

from toolrun.cli._ctrl_c import CTRL_C
from toolrun.cli._errors import Unusable, own_traceback
from toolrun.cli._mcp_source import PREFIX, tools_of_server
from toolrun.runner import NotATool
from toolrun.runner.toolbox import Toolbox, is_factory, toolbox
from toolrun.tools import BaseTool

Target = Toolbox | Callable[[Any], Any]


def load(spec: str) -> Target:
    """The toolbox, or the factory of toolboxes, that TOOLS stands for; `Unusable` if there is none."""
    if spec.startswith(PREFIX):
        return tools_of_server(spec)
    where, name = _split(spec)
    module = _import_file(where) if _is_path(where) else _import_module(where)
    try:
        if not name:
            return toolbox(_tools_in(module))
        target = _named(module, name)
        return target if is_factory(target) else toolbox(target)
    except NotATool as error:
        raise Unusable(f"{spec}: {error}.") from None


def _split(spec: str) -> tuple[str, str]:
    where, colon, name = spec.rpartition(":")
    if not colon or Path(spec).exists() or not all(part.isidentifier() for part in name.split(".")):
        return spec, ""
    return where, name


def _is_path(where: str) -> bool:
    return where.endswith(".py") or os.sep in where or Path(where).is_file()


def _import_file(where: str) -> ModuleType:
    path = Path(where)
    if not path.is_file():
        raise Unusable(f"{where}: there is no such file.")
    name = path.stem if path.stem not in sys.modules else f"_toolrun_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Unusable(f"{where}: not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.resolve().parent))  # as Python does for a script: its neighbours can be imported
    with _importing(where):
        spec.loader.exec_module(module)
    return module


def _import_module(where: str) -> ModuleType:
    sys.path.insert(0, os.getcwd())
    with _importing(where):
        if not _is_found(where):
            raise Unusable(f"{where}: there is no such file and no such module.")
        importlib.import_module(where)
    return sys.modules[where]


def _is_found(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None  # imports the packages around it
    except (ImportError, ValueError):
        return False


@contextmanager
def _importing(where: str) -> Iterator[None]:
    try:
        yield
    except Unusable:
        raise
    except BaseException as error:  # whatever it is: SystemExit and KeyboardInterrupt too
        CTRL_C.obey()
        raise Unusable(f"{where} cannot be imported.\n\n{own_traceback(error)}") from None


def _named(module: ModuleType, name: str) -> Any:
    try:
        return reduce(getattr, name.split("."), module)
    except AttributeError:
        public = [each for each in vars(module) if not each.startswith("_")]
        raise NotATool(_no_such_name(name, public)) from None


def _no_such_name(name: str, public: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, public, n=3)
    return f"nothing in it is named {name!r}" + (f"; nearest: {', '.join(near)}" if near else "")


def _tools_in(module: ModuleType) -> Any:
    public = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    if tools := {id(value): value for value in public.values() if isinstance(value, BaseTool)}:
        return list(tools.values())
    if hasattr(module, "__all__"):
        named = {name: _named(module, name) for name in module.__all__}
        functions = {name: value for name, value in named.items() if inspect.isroutine(value)}
    else:
        functions = {name: value for name, value in public.items() if _is_own(value, module)}
    if not functions:
        raise NotATool("it has neither tools nor public functions")
    return functions


def _is_own(value: Any, module: ModuleType) -> bool:
    return inspect.ismethod(value) or (inspect.isfunction(value) and value.__module__ == module.__name__)
