"""Runs as readable text in a file."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self, TextIO, cast

from toolrun.callbacks._print import print_text
from toolrun.callbacks.stdout import StdOutCallbackHandler


class FileCallbackHandler(StdOutCallbackHandler):
    """Writes what `StdOutCallbackHandler` prints to a file. It opens at once: use it in `with`, or `close` it."""

    def __init__(self, filename: str | Path, mode: str = "a", color: str | None = None) -> None:
        super().__init__(color)
        self.filename, self.mode = str(filename), mode
        self.file: TextIO = cast(TextIO, Path(filename).open(mode, encoding="utf-8"))  # noqa: SIM115

    def _write(self, text: str, color: str | None = None, end: str = "") -> None:
        if self.file.closed:
            raise RuntimeError(f"{self.filename} is closed: the handler is still in use after close().")
        print_text(text, self.color, end, self.file)  # not the event's colour: a file is no terminal

    def close(self) -> None:
        """Close the file; closing twice does no harm."""
        self.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "file"):
            self.close()
