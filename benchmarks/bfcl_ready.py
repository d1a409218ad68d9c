"""Imported once for all worker processes: makes one session of each class, for what they leave behind in caches."""

from __future__ import annotations

from slow_tools import _ENTRIES, session  # type: ignore[import-not-found]

from toolrun.runner._outline import outlined
from toolrun.runner.toolbox import toolbox

_seen: set[str] = set()
for _id, _entry in _ENTRIES.items():
    if not _seen.issuperset(_entry["involved_classes"]):
        _seen.update(_entry["involved_classes"])
        for _member in toolbox(session(_id)).members.values():
            outlined(_member)
