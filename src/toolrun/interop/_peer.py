"""What a bridge needs of the library on its other side: that it is there, in a release that the bridge knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from itertools import takewhile

from toolrun.errors import MissingExtra, UnsupportedRelease


def require(package: str, extra: str, *, since: str, before: str) -> None:
    """Raise a clear ImportError unless the package is installed in a release from `since` on, and before `before`."""
    try:
        found = version(package)
    except PackageNotFoundError:
        raise MissingExtra(package, extra) from None
    if not _numbers(since) <= _numbers(found) < _numbers(before):
        raise UnsupportedRelease(package, found, f"from {since} on, before {before}", extra)


@contextmanager
def required(package: str, extra: str, *, since: str, before: str) -> Iterator[None]:
    """The same around the imports from that package, so that nothing of it is imported before."""
    require(package, extra, since=since, before=before)
    yield


def _numbers(release: str) -> tuple[int, ...]:
    """The numbers that a release begins with: those of `2.3.0rc1` are 2 and 3."""
    return tuple(map(int, takewhile(str.isdigit, release.split("."))))
