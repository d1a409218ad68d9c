"""Runs as dictionaries and copies: toolrun's `Run` is a dataclass, the peer's a pydantic model."""

from dataclasses import fields, is_dataclass, replace
from typing import Any

from toolrun.tracers import Run


def pydantic_to_dict(value: Any, exclude: Any = (), **kwargs: Any) -> dict[str, Any]:
    if not is_dataclass(value):
        return value.model_dump(exclude=set(exclude) or None, **kwargs)
    return {one.name: getattr(value, one.name) for one in fields(value) if one.name not in exclude}


def pydantic_copy(value: Any, update: dict[str, Any] | None = None, **kwargs: Any) -> Any:
    if not is_dataclass(value):
        return value.model_copy(update=update, **kwargs)
    return replace(value, **(update or {}))


def run_construct(**kwargs: Any) -> Run:
    return Run(**kwargs)


run_to_dict, run_copy = pydantic_to_dict, pydantic_copy
