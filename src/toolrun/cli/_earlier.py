"""The result lines that a batch had written before it was cut short."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import orjson

from toolrun.cli._errors import Unusable

Place = TypeVar("Place")
Complete = Callable[[bytes], None]


class EarlierResults:
    """A results file, of which the lines of finished calls are kept.

    The others are written anew: a line that was torn, those of calls that were cancelled, or that never came to a run.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        if self._path.exists() and not self._path.is_file():
            raise Unusable(f"{path} is no file, so what is in it cannot be completed: give another with -o.")
        self.ids: set[str] = set()
        """The runs whose lines are kept."""
        self.failed = 0
        """How many of them did not succeed."""

    def places(self, known: Mapping[str, Place], *, stale: bool) -> set[Place]:
        """What the lines say is finished, of the runs that are known; others may be there only if they are `stale`."""
        places: set[Place] = set()
        for _, result in self._lines():
            id_ = str(result["run_id"]).replace("-", "")
            if result["status"] == "cancelled" or id_ in self.ids:
                continue
            if id_ not in known:
                if not stale:
                    raise Unusable(f"{self._path} holds results of another batch: give the file of this one with -o.")
                continue
            self.ids.add(id_)
            self.failed += result["status"] != "ok"
            places.add(known[id_])
        return places

    @contextmanager
    def completed(self) -> Iterator[Complete]:
        """Write the file anew: the lines that are kept, and those that are given meanwhile. It changes at the end."""
        beside = self._path.with_name(f".{self._path.name}.resuming")
        try:
            with open(beside, "wb") as file:
                self._keep(file)
                yield lambda line: _write(file, line)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
        except OSError as error:
            raise Unusable(f"{self._path}: {error.strerror}.") from None

    def _keep(self, file: Any) -> None:
        left = set(self.ids)
        for line, result in self._lines():
            id_ = str(result["run_id"]).replace("-", "")
            if id_ in left and result["status"] != "cancelled":
                left.discard(id_)
                file.write(line)

    def _lines(self) -> Iterator[tuple[bytes, dict[str, Any]]]:
        """The whole lines of calls that came to a run."""
        if not self._path.exists():
            return
        with open(self._path, "rb") as file:
            for line in file:
                try:
                    result = orjson.loads(line) if line.endswith(b"\n") else None
                except orjson.JSONDecodeError:
                    continue
                if isinstance(result, dict) and result.get("run_id") and "status" in result:
                    yield line, result


def _write(file: Any, line: bytes) -> None:
    file.write(line + b"\n")
