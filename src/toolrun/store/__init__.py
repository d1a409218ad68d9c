"""The store: what became of every run, kept across the death of the process.

    handlers/recorder -> journal      one framed record a write, in the process whose run it is
    indexer, rows                     move records from journals into SQLite
    sqlite, schema                    the files that are read
    recovery, retention, check        at opening; what to keep; whether all is well

A store is a folder: `journal/<segment>.journal`, `runs-YYYYMMDD.db`, and a `.gitignore` that keeps it out of git.
"""

from __future__ import annotations

from toolrun.store.base import Store, open_store
from toolrun.store.errors import (
    CorruptStore,
    NewerStore,
    NoStore,
    NotAStore,
    StoreBusy,
    StoreError,
    StoreUnreadable,
    StoreUnwritable,
)

__all__ = [
    "CorruptStore",
    "NewerStore",
    "NoStore",
    "NotAStore",
    "Store",
    "StoreBusy",
    "StoreError",
    "StoreUnreadable",
    "StoreUnwritable",
    "open_store",
]
