"""Parameters that the program fills in, not the model, and arguments that handlers must not see.

def search(query: str, user: Annotated[User, InjectedToolArg]): ...
def charge(card: Annotated[str, Secret], call_id: Annotated[str, InjectedToolCallId]): ...
"""

from __future__ import annotations

from typing import Any, Union, get_args, get_origin

from toolrun.tools._same_names import means


class InjectedToolArg:
    """Marks a parameter that the caller passes with the arguments, but that the model is not told of.

    Handlers do not see its value.
    """


class InjectedToolCallId(InjectedToolArg):
    """Marks a parameter that receives the id of the tool call. It overrides what the model says."""


class DirectlyInjectedToolArg:
    """A base for types that are injected wherever they are an annotation, without `Annotated`."""


class Secret:
    """Marks an argument that the tool gets as it is, and handlers as `MASK`. Pydantic's `SecretStr` needs no mark."""


MASK = "**********"


def is_marked(annotation: Any, marker: type) -> bool:
    """Whether `Annotated` metadata holds the marker, as a class or as an instance, in a member of a union too."""
    if has_marker(getattr(annotation, "__metadata__", ()), marker):
        return True
    return _is_union(annotation) and any(is_marked(member, marker) for member in get_args(annotation))


def has_marker(metadata: Any, marker: type) -> bool:
    """Whether one of them is the marker, LangChain's of that name, or a class or an instance below."""
    return any(means(item if isinstance(item, type) else type(item), marker) for item in metadata)


def is_injected(annotation: Any) -> bool:
    """Whether the annotation says that the program fills the parameter in."""
    origin = get_origin(annotation) or annotation
    if isinstance(origin, type) and means(origin, DirectlyInjectedToolArg):
        return True
    return is_marked(annotation, InjectedToolArg)


def is_secret(annotation: Any) -> bool:
    """Whether handlers must not see the argument."""
    return is_marked(annotation, Secret) or any(
        kind.__name__ in ("SecretStr", "SecretBytes") and kind.__module__.startswith("pydantic")
        for kind in alternatives(annotation)
        if isinstance(kind, type)
    )


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, or the annotation alone; `Annotated` is looked through."""
    if hasattr(annotation, "__metadata__"):
        return alternatives(get_args(annotation)[0])
    if _is_union(annotation):
        return tuple(one for member in get_args(annotation) for one in alternatives(member))
    return (annotation,)


def _is_union(annotation: Any) -> bool:
    origin = get_origin(annotation)
    return origin is Union or getattr(origin, "__name__", None) == "UnionType"
