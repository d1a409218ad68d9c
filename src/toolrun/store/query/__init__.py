"""Reading a store: the one door for the command line, the viewer and replay.

_language, _terms, _moments        what a user writes -> a `Query`
_meanings, _words -> _condition    a query -> SQL on one file
_searching, _merging, _selecting   one search through all files, in order, page by page
_lookup, _figures, _failures, _watching, _shapes    ids, statistics, groups of errors, what changes
_open_files, _records              connections; what is given back
reader                             the door: `Reader`
"""

from __future__ import annotations

from toolrun.store.query._failures import Failure, Failures
from toolrun.store.query._figures import Figures
from toolrun.store.query._health import Health
from toolrun.store.query._language import MalformedQuery, Query
from toolrun.store.query._lookup import SHORT, AmbiguousId, NoSuchRun, telling_length
from toolrun.store.query._merging import BadPlace
from toolrun.store.query._records import Page, Payload, StoredEvent, StoredRun, Trace, TreeRun
from toolrun.store.query._watching import Watch
from toolrun.store.query.reader import Reader

__all__ = [
    "SHORT",
    "AmbiguousId",
    "BadPlace",
    "Failure",
    "Failures",
    "Figures",
    "Health",
    "MalformedQuery",
    "NoSuchRun",
    "Page",
    "Payload",
    "Query",
    "Reader",
    "StoredEvent",
    "StoredRun",
    "Trace",
    "TreeRun",
    "Watch",
    "telling_length",
]
