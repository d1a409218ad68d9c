"""Scope: what a manager knows, as one immutable value.

Handlers, tags and metadata each come twice: all of them, and those that children inherit. Everything that changes
a scope returns a new one, so a run's scope can be shared freely between managers, threads and child runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

_NOTHING: Mapping[str, Any] = {}
_new = tuple.__new__


def _joined(first: tuple[Any, ...], more: tuple[Any, ...]) -> tuple[Any, ...]:
    """Both in order, each handler once; handlers are told apart by identity, they need not be hashable."""
    joined = first + more
    return joined if len(joined) < 2 else tuple({id(one): one for one in joined}.values())


def _joined_tags(first: tuple[str, ...], more: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *more)))


def scope_for_handlers(handlers: Iterable[Any]) -> Scope:
    """A scope of nothing but these handlers, all inheritable, each once."""
    once = tuple(handlers)
    if len(once) > 1:
        once = _joined(once, ())
    return _new(Scope, (once, once, None, (), (), _NOTHING, _NOTHING))  # Scope(once, once), in half the time


class Scope(NamedTuple):
    """Handlers, tags, metadata and the parent run."""

    handlers: tuple[Any, ...] = ()
    inheritable_handlers: tuple[Any, ...] = ()
    parent_run_id: UUID | None = None
    tags: tuple[str, ...] = ()
    inheritable_tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = _NOTHING
    inheritable_metadata: Mapping[str, Any] = _NOTHING

    def with_handlers(self, handlers: Iterable[Any], inherit: bool) -> Scope:
        """Add handlers after those that are there, each once."""
        handlers = tuple(handlers)
        if not handlers:
            return self
        inheritable = _joined(self.inheritable_handlers, handlers) if inherit else self.inheritable_handlers
        return self._replace(handlers=_joined(self.handlers, handlers), inheritable_handlers=inheritable)

    def without_handler(self, handler: Any) -> Scope:
        """Take a handler out, wherever it is; one that is not there does no harm."""
        return self._replace(
            handlers=tuple(one for one in self.handlers if one is not handler),
            inheritable_handlers=tuple(one for one in self.inheritable_handlers if one is not handler),
        )

    def with_tags(self, tags: Iterable[str], inherit: bool) -> Scope:
        """Add tags, each once."""
        tags = tuple(tags)
        inheritable = _joined_tags(self.inheritable_tags, tags) if inherit else self.inheritable_tags
        return self._replace(tags=_joined_tags(self.tags, tags), inheritable_tags=inheritable)

    def without_tags(self, tags: Iterable[str]) -> Scope:
        """Take tags out."""
        gone = set(tags)
        return self._replace(
            tags=tuple(tag for tag in self.tags if tag not in gone),
            inheritable_tags=tuple(tag for tag in self.inheritable_tags if tag not in gone),
        )

    def with_metadata(self, metadata: Mapping[str, Any], inherit: bool) -> Scope:
        """Add metadata; a later value of a key wins."""
        inheritable = {**self.inheritable_metadata, **metadata} if inherit else self.inheritable_metadata
        return self._replace(metadata={**self.metadata, **metadata}, inheritable_metadata=inheritable)

    def without_metadata(self, keys: Iterable[str]) -> Scope:
        """Take keys out of the metadata."""
        gone = set(keys)
        return self._replace(
            metadata={key: value for key, value in self.metadata.items() if key not in gone},
            inheritable_metadata={k: v for k, v in self.inheritable_metadata.items() if k not in gone},
        )

    def child(self, run_id: UUID, tag: str | None = None) -> Scope:
        """What the children of a run start from: what is inheritable, and `tag` for themselves alone."""
        tags = self.inheritable_tags if tag is None else _joined_tags(self.inheritable_tags, (tag,))
        return Scope(
            self.inheritable_handlers,
            self.inheritable_handlers,
            run_id,
            tags,
            self.inheritable_tags,
            self.inheritable_metadata,
            self.inheritable_metadata,
        )

    def merge(self, other: Scope) -> Scope:
        """Both together, in order; local stays local."""
        return Scope(
            _joined(self.handlers, other.handlers),
            _joined(self.inheritable_handlers, other.inheritable_handlers),
            self.parent_run_id or other.parent_run_id,
            _joined_tags(self.tags, other.tags),
            _joined_tags(self.inheritable_tags, other.inheritable_tags),
            {**self.metadata, **other.metadata},
            {**self.inheritable_metadata, **other.inheritable_metadata},
        )


EMPTY = Scope()
