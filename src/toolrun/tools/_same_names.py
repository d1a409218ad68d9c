"""Classes of LangChain that mean what ours of that name mean, known by their names: nothing is imported."""

from __future__ import annotations


def means(kind: type, ours: type) -> bool:
    """Whether a class is `ours`, or LangChain's class of that name, or below one of the two."""
    return issubclass(kind, ours) or any(is_langchains(base, ours.__name__) for base in kind.__mro__)


def is_langchains(kind: object, name: str) -> bool:
    """Whether it is LangChain's class of that name; some of its names have an underscore before them."""
    if not isinstance(kind, type):
        return False
    return kind.__name__.removeprefix("_") == name and kind.__module__.startswith("langchain_core.")
