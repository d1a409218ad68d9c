"""Errors about arguments, said so that a model can mend them and no secret gets out."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticCustomError, ValidationError

from toolrun.tools.injected import MASK

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails, InitErrorDetails


def clearer(error: ValidationError, fields: Collection[str], secret: Collection[str]) -> ValidationError:
    """The error itself, or, if it is about an unknown argument or there are secrets, one that says the same better."""
    lines = error.errors(include_url=False)
    if not secret and all(line["type"] != "extra_forbidden" for line in lines):
        return error
    return ValidationError.from_exception_data(error.title, [_line(line, fields, secret) for line in lines])


def _line(line: ErrorDetails, fields: Collection[str], secret: Collection[str]) -> InitErrorDetails:
    message = line["msg"]
    if line["type"] == "extra_forbidden":
        message = unexpected(str(line["loc"][-1]), fields)
    return {
        "type": custom(line["type"], message),
        "loc": line["loc"],
        "input": masked(line["loc"], line["input"], secret),
    }


def custom(kind: str, message: str) -> PydanticCustomError:
    """An error line with a text of our own, braces in it taken literally."""
    return PydanticCustomError(kind, "{message}", {"message": message})


def masked(where: tuple[int | str, ...], value: Any, secret: Collection[str]) -> Any:
    """The value that an error line is about, without secrets."""
    if where and where[0] in secret:
        return MASK
    if secret and isinstance(value, dict):
        return {k: MASK if k in secret else v for k, v in value.items()}
    return value


def unexpected(name: str, fields: Collection[str]) -> str:
    """What to say about an argument that the tool does not take."""
    from difflib import get_close_matches

    if nearest := get_close_matches(name, fields, 1):
        return f"Unexpected argument, did you mean {nearest[0]!r}?"
    return f"Unexpected argument, expected {', '.join(map(repr, fields)) or 'none at all'}"
