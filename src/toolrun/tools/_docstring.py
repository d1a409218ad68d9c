"""What a docstring says about a function and its parameters, in Google, NumPy or reST style."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, NamedTuple

from toolrun.tools.exceptions import InvalidDocstring

if TYPE_CHECKING:
    from docstring_parser import Docstring


class Documentation(NamedTuple):
    """The description of a function, and those of its parameters by name."""

    description: str
    parameters: dict[str, str]


def whole_docstring(function: Callable[..., Any]) -> Documentation:
    """The docstring as it is, as the description of the function."""
    return Documentation(_docstring(function), {})


def parsed_docstring(
    function: Callable[..., Any], known: Collection[str], wanted: Collection[str], *, strict: bool
) -> Documentation:
    """The docstring taken apart.

    Parameters that it describes must be `known`. If `strict`, it must be well-formed and describe some of
    the `wanted` ones, provided there are any. `InvalidDocstring` otherwise.
    """
    from docstring_parser import parse

    name = getattr(function, "__name__", repr(function))
    docstring = parse(_docstring(function))
    described = {p.arg_name.lstrip("*"): " ".join((p.description or "").split()) for p in docstring.params}
    if strict and wanted and not (described and docstring.blank_after_short_description):
        raise InvalidDocstring(
            name,
            "Found invalid Google-Style docstring, and no well-formed parameters in NumPy or reST style either",
        )
    for parameter in described:
        if parameter not in known:
            raise InvalidDocstring(name, f"Arg {parameter} in docstring not found in function signature")
    return Documentation(_description(docstring), described)


def _docstring(function: Callable[..., Any]) -> str:
    """The function's docstring without indentation; a class has its own or none, not one that it inherits."""
    text = function.__doc__ if isinstance(function, type) else inspect.getdoc(function)
    return inspect.cleandoc(text or "")


def _description(docstring: Docstring) -> str:
    paragraphs = [docstring.short_description or "", *(docstring.long_description or "").split("\n\n")]
    return " ".join(filter(None, paragraphs)).strip()
