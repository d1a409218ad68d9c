"""Laws of arguments: whatever a function's signature is, a call by the tool is a call of the function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from toolrun.tools import StructuredTool

NAMES = ["a", "b", "value", "copy", "json", "schema", "model_dump", "config", "callbacks", "run_manager", "_private"]
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "int": st.integers(),
    "str": st.text(),
    "bool": st.booleans(),
    "list[int]": st.lists(st.integers()),
    "dict[str, int] | None": st.none() | st.dictionaries(st.text(), st.integers()),
}
KINDS = [Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY]


@dataclass
class Drawn:
    """A function that gives back its arguments, and some that it takes."""

    function: Callable[..., dict[str, Any]]
    required: list[str]
    arguments: dict[str, Any]


@st.composite
def functions(draw: st.DrawFn) -> Drawn:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=5))
    kinds = sorted(draw(st.lists(st.sampled_from(KINDS), min_size=len(names), max_size=len(names))))
    optional, required, arguments, written = False, [], {}, []
    for name, kind, before, after in zip(names, kinds, [None, *kinds], [*kinds[1:], None], strict=False):
        annotation = draw(st.sampled_from(sorted(VALUES)))
        optional = draw(st.booleans()) or (optional and kind is not Parameter.KEYWORD_ONLY)
        default = f" = {draw(VALUES[annotation])!r}" if optional else ""
        starts_keywords = kind is Parameter.KEYWORD_ONLY and before is not kind
        ends_positional = kind is Parameter.POSITIONAL_ONLY and after is not kind
        written += ["*"] * starts_keywords + [f"{name}: {annotation}{default}"] + ["/"] * ends_positional
        if not optional:
            required.append(name)
        if not optional or draw(st.booleans()):
            arguments[name] = draw(VALUES[annotation])
    namespace: dict[str, Any] = {}
    exec(f"def function({', '.join(written)}):\n    'Do.'\n    return locals()", namespace)
    return Drawn(namespace["function"], required, arguments)


def parameters(drawn: Drawn) -> dict[str, Parameter]:
    return dict(signature(drawn.function).parameters)


@given(functions())
def test_what_the_function_takes_the_tool_takes(drawn: Drawn) -> None:
    subject = StructuredTool.from_function(drawn.function)
    defaults = {name: parameter.default for name, parameter in parameters(drawn).items()}
    assert subject.invoke(drawn.arguments) == {**defaults, **drawn.arguments}


@given(functions(), st.data())
def test_what_the_function_misses_the_tool_misses(drawn: Drawn, data: st.DataObject) -> None:
    assume(drawn.required)
    left_out = data.draw(st.sampled_from(drawn.required))
    arguments = {name: value for name, value in drawn.arguments.items() if name != left_out}
    with pytest.raises(ValidationError, match=f"{left_out}\n  Field required"):
        StructuredTool.from_function(drawn.function).invoke(arguments)


@given(functions())
def test_the_schema_names_what_the_function_takes_and_needs(drawn: Drawn) -> None:
    schema: Any = StructuredTool.from_function(drawn.function).tool_call_schema
    written = schema.model_json_schema()
    assert list(written["properties"]) == list(parameters(drawn))
    assert written.get("required", []) == drawn.required
