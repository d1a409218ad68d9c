"""What may stand behind a field, for whoever completes a query while it is typed."""

from __future__ import annotations

from toolrun.store.query._language import CHOICES
from toolrun.store.query._open_files import OpenFiles

_NAMED = "SELECT DISTINCT name FROM named WHERE {} AND name >= ? AND name < ? ORDER BY name LIMIT ?"
_SESSIONS = "SELECT DISTINCT session FROM run WHERE session >= ? AND session < ? ORDER BY session LIMIT ?"
_SQL = {
    "tool": _NAMED.format("kind = 'tool'"),
    "tag": _NAMED.format("kind = 'tag'"),
    "name": _NAMED.format("kind <> 'tag'"),
    "session": _SESSIONS,
}
_BEHIND_ALL = "\U0010ffff"


def values_of(files: OpenFiles, field: str, prefix: str, limit: int) -> list[str]:
    """Values of the field that begin so, in order; none for a field whose values are not known beforehand."""
    if field in CHOICES:
        return [value for value in sorted(CHOICES[field]) if value.startswith(prefix)][:limit]
    if field not in _SQL:
        return []
    found = {row[0] for file in files for row in file.rows(_SQL[field], prefix, prefix + _BEHIND_ALL, limit)}
    return sorted(found)[:limit]
