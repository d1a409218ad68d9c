"""The model of a tool's arguments, from signature and docstring."""

from __future__ import annotations

import functools
import inspect
import warnings
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, ValidationError
from pydantic_core import SchemaError

from toolrun.callbacks import CallbackManagerForToolRun, Callbacks
from toolrun.tools import InjectedToolArg, RunConfig, create_schema_from_function
from toolrun.tools._schema import call_schema
from toolrun.tools.exceptions import InvalidDocstring, InvalidTool, UnresolvedAnnotation


class Place(BaseModel):
    name: str


def search(query: str, limit: int = 3, place: Place | None = None) -> str:
    """Search."""
    return query


def schema_of(function: Any, **options: Any) -> dict[str, Any]:
    return create_schema_from_function("tool", function, **options).model_json_schema()


def test_parameters_become_fields() -> None:
    schema = schema_of(search)
    assert schema["title"] == "tool"
    assert schema["description"] == "Search."
    assert schema["required"] == ["query"]
    assert schema["properties"]["query"] == {"title": "Query", "type": "string"}
    assert schema["properties"]["limit"] == {"title": "Limit", "type": "integer", "default": 3}
    assert schema["properties"]["place"]["anyOf"][0] == {"$ref": "#/$defs/Place"}
    assert "additionalProperties" not in schema


def test_unknown_arguments_are_refused() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        create_schema_from_function("tool", search)(query="x", page=1)


def test_parameters_that_toolrun_fills_in_are_left_out() -> None:
    def tool(
        x: int,
        settings: RunConfig,
        run_manager: Any,
        callbacks: Callbacks = None,
        manager: CallbackManagerForToolRun | None = None,
    ) -> None: ...

    assert list(schema_of(tool)["properties"]) == ["x"]


def test_injected_parameters_are_left_out_on_demand() -> None:
    def tool(x: int, user: Annotated[str, InjectedToolArg]) -> None: ...

    assert list(schema_of(tool)["properties"]) == ["x", "user"]
    assert list(schema_of(tool, include_injected=False)["properties"]) == ["x"]


@pytest.mark.parametrize("name", ["copy", "json", "schema", "dict", "model_fields", "model_dump", "validate", "self"])
def test_a_parameter_may_have_the_name_of_a_method_of_models(name: str) -> None:
    function = eval(f"lambda {name}: {name}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = create_schema_from_function("tool", function)
    assert list(model.model_json_schema()["properties"]) == [name]


@pytest.mark.parametrize("name", ["_private", "__very", "model_config"])
def test_a_parameter_may_have_a_name_that_no_field_can_have(name: str) -> None:
    schema = schema_of(eval(f"lambda {name}: {name}"))
    assert list(schema["properties"]) == [name]
    assert schema["required"] == [name]


def described(function: Any) -> dict[str, Any]:
    schema = schema_of(function, parse_docstring=True, error_on_invalid_docstring=True)
    return {"": schema["description"], **{k: v.get("description") for k, v in schema["properties"].items()}}


def google(a: int, b: int = 0) -> int:
    """Add numbers.

    Exactly.

    Args:
        a: The first,
            as it were.
        b (int, optional): The second.

    Returns:
        The sum.
    """
    return a + b


def numpy(a: int, b: int = 0) -> int:
    """Add numbers.

    Exactly.

    Parameters
    ----------
    a : int
        The first,
        as it were.
    b : int, optional
        The second.
    """
    return a + b


def rest(a: int, b: int = 0) -> int:
    """Add numbers.

    Exactly.

    :param a: The first,
        as it were.
    :param int b: The second.
    :returns: The sum.
    """
    return a + b


@pytest.mark.parametrize("function", [google, numpy, rest])
def test_docstrings_of_three_styles_describe_the_parameters(function: Any) -> None:
    assert described(function) == {"": "Add numbers. Exactly.", "a": "The first, as it were.", "b": "The second."}


def test_an_unparsed_docstring_is_the_description_as_it_is() -> None:
    schema = schema_of(google)
    assert schema["description"] == inspect.getdoc(google)
    assert "description" not in schema["properties"]["a"]


def test_annotated_descriptions_count_where_the_docstring_has_none() -> None:
    def tool(
        a: Annotated[int, "from a string"],
        b: Annotated[int, Field(description="from a field", ge=0)],
        c: int = Field(3, description="from a default"),
        d: Annotated[int, "from a string"] = 0,
    ) -> None:
        """Do.

        Args:
            d: From the docstring.
        """

    properties = schema_of(tool, parse_docstring=True)["properties"]
    assert [properties[name]["description"] for name in "abcd"] == [
        "from a string",
        "from a field",
        "from a default",
        "From the docstring.",
    ]
    assert properties["b"]["minimum"] == 0
    assert properties["c"]["default"] == 3


def test_a_docstring_about_other_parameters_is_refused() -> None:
    def tool(a: int) -> None:
        """Do.

        Args:
            banana: No such thing.
        """

    with pytest.raises(InvalidDocstring, match=r"Arg banana in docstring not found in function signature.*'tool'"):
        described(tool)


def test_a_docstring_without_parameters_is_refused_only_if_there_are_some() -> None:
    def tool(a: int) -> None:
        """Do."""

    def bare(run_manager: Any) -> None:
        """Do."""

    with pytest.raises(InvalidDocstring):
        described(tool)
    assert described(bare) == {"": "Do."}
    assert schema_of(tool, parse_docstring=True)["description"] == "Do."


def unresolved(a: Missing) -> None:  # type: ignore[name-defined] # noqa: F821
    """Do."""


def test_an_annotation_that_cannot_be_resolved_is_refused_with_its_place() -> None:
    with pytest.raises(UnresolvedAnnotation, match=r"'Missing' of unresolved\(a\)"):
        create_schema_from_function("tool", unresolved)


def test_a_constraint_that_makes_no_sense_is_refused() -> None:
    def tool(a: Annotated[str, Field(pattern="[")]) -> None: ...

    with pytest.raises(SchemaError, match="regex"):
        create_schema_from_function("tool", tool)


def test_a_callable_that_does_not_tell_its_parameters_is_refused() -> None:
    with pytest.raises(InvalidTool, match="Pass args_schema"):
        create_schema_from_function("tool", max)


def test_a_function_taken_out_of_its_class_has_no_self() -> None:
    class Desk:
        def open(self, width: int) -> None: ...

    assert list(schema_of(Desk.open)["properties"]) == ["width"]
    assert list(schema_of(Desk().open)["properties"]) == ["width"]
    assert list(schema_of(functools.partial(search, "x"))["properties"]) == ["limit", "place"]


def test_a_default_that_is_no_json_is_no_trouble() -> None:
    missing = object()

    def tool(a: Any = missing) -> None: ...

    model = create_schema_from_function("tool", tool)
    assert model().a is missing  # type: ignore[attr-defined]
    schema = call_schema("tool", "Do.", model, ()).model_json_schema()
    assert schema["properties"]["a"] == {"title": "A"}


def test_the_schema_for_calls_hides_fields_and_keeps_constraints() -> None:
    def tool(a: Annotated[int, Field(ge=1)], user: str) -> None: ...

    model = create_schema_from_function("tool", tool)
    schema = call_schema("renamed", "Other.", model, {"user"}).model_json_schema()
    assert schema["title"] == "renamed"
    assert schema["description"] == "Other."
    assert schema["properties"] == {"a": {"title": "A", "type": "integer", "minimum": 1}}
    assert schema["required"] == ["a"]
