"""The process that indexes while others record: `python -m toolrun.store._indexing STORE`.

A process of its own, because turning records into rows takes the interpreter more time than writing them: in a thread
it would hold up the runs that it is about. It ends with whoever started it; at once if another one indexes the store.
"""

from __future__ import annotations

import os
import selectors
import signal
import sqlite3
import sys
from pathlib import Path

from toolrun.store._reading import FRAMES_AT_ONCE
from toolrun.store.errors import StoreError
from toolrun.store.indexer import Indexer

EVERY_SECONDS = 0.050
FAILED = 4
"""The exit status after an error, which is on the standard error then."""


def main(store: Path) -> int:
    """Index until there is something on the standard input, or its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who started this one
    os.nice(10)
    indexer = Indexer(store)
    try:
        if indexer.lock.acquire():
            _index(indexer)
    except (OSError, StoreError, sqlite3.Error) as error:
        sys.stderr.write(str(error))
        return FAILED
    finally:
        indexer.close()
    return 0


def _index(indexer: Indexer) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        pause = 0.0
        while not selector.select(pause):
            count = indexer.run()
            if count < FRAMES_AT_ONCE:
                indexer.index_words()
            pause = 0.0 if count >= FRAMES_AT_ONCE else EVERY_SECONDS


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
