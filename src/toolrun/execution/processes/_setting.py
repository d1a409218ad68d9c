"""What a worker takes over from its parent: where it stands, and which modules it begins with.

The fork server takes it over, and each worker that it forks from then on has it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import warnings
from collections.abc import Iterable
from typing import Any, NamedTuple

from toolrun.execution.processes._shipping import imported

ModuleFile = tuple[str, str | None]
"""The name of a module, and the file that it came from."""


class Setting(NamedTuple):
    """Directory, environment and import path of the parent, and the modules that it wants to be there."""

    directory: str | None
    environment: dict[str, str]
    path: list[str]
    modules: tuple[ModuleFile, ...]


def setting_here(modules: Iterable[ModuleFile]) -> Setting:
    """The setting of this process as it is now."""
    directory: Any = None
    with contextlib.suppress(OSError):
        directory = os.getcwd()
    return Setting(directory, dict(os.environ), list(sys.path), tuple(modules))


def take_over(setting: Setting) -> None:
    """Stand where the parent stands, and import its modules. One that fails is left to the calls that need it."""
    sys.path[:] = setting.path
    os.environ.clear()
    os.environ.update(setting.environment)
    if setting.directory is not None:
        with contextlib.suppress(OSError):
            os.chdir(setting.directory)
    for name, file in setting.modules:
        _preload(name, file)


def _preload(name: str, file: str | None) -> None:
    threads = threading.active_count()
    with contextlib.suppress(BaseException):  # a module that exits must not take the fork server along
        imported(name, file)
    if threading.active_count() > threads:
        warnings.warn(f"importing {name!r} starts threads, which worker processes will not have", stacklevel=2)
