"""Where result lines go."""

from __future__ import annotations

import os
import stat
from io import FileIO
from typing import Self

from toolrun._offload import HANDLER_POOL
from toolrun.cli._errors import Unusable
from toolrun.cli._stdout import OURS


class ResultsFile:
    """Result lines, each written whole and at once, so that a reader never sees half of one."""

    def __init__(self, target: str | int, *, append: bool = False) -> None:
        self._name = target if isinstance(target, str) else OURS
        try:
            self._file = FileIO(target, "a" if append else "w", closefd=isinstance(target, str))
        except OSError as error:
            raise Unusable(f"{self._name}: {error.strerror}.") from None
        self._may_block = not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode)
        self.is_terminal = self._file.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()

    async def write(self, line: bytes) -> None:
        """Write one line; off the loop where a slow reader could make it wait."""
        try:
            if self._may_block:
                await HANDLER_POOL.run_in_thread(self._write, line)
            else:
                self._write(line)
        except BrokenPipeError:  # nobody reads any further, which is no fault of anybody
            raise
        except OSError as error:
            raise Unusable(f"{self._name}: {error.strerror}.") from None

    def _write(self, line: bytes) -> None:
        rest = memoryview(line + b"\n")
        while rest:
            rest = rest[self._file.write(rest) or 0 :]


def refuse_overwriting(target: str | int, calls: str) -> None:
    """Raise `Unusable` if the results would go where the calls are."""
    if isinstance(target, str) and all(map(os.path.exists, (target, calls))) and os.path.samefile(target, calls):
        raise Unusable(f"{target}: the results would overwrite the calls.")
