"""Arguments checked by a JSON schema. Nothing is converted: "3" is no integer here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jsonschema import Draft202012Validator, SchemaError
from jsonschema.exceptions import ValidationError as Violation
from jsonschema.validators import validator_for
from pydantic_core import InitErrorDetails, ValidationError
from referencing.exceptions import Unresolvable
from referencing.jsonschema import EMPTY_REGISTRY

from toolrun.tools._invalid import custom
from toolrun.tools.exceptions import InvalidTool
from toolrun.tools.injected import MASK

_TELLS_NO_VALUE = frozenset({"required", "additionalProperties", "dependentRequired", "unevaluatedProperties"})


def check_schema(tool: str, schema: dict[str, Any]) -> None:
    """Refuse what is no JSON schema."""
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError as error:
        where = "/".join(map(str, error.absolute_path)) or "its top"
        raise InvalidTool(tool, f"args_schema is no valid JSON schema at {where}: {error.message}") from error


def validator(tool: str, schema: dict[str, Any], *, hide_values: bool) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A function that gives the arguments back, or raises the same ValidationError that a model would."""
    kind = validator_for(schema, default=Draft202012Validator)
    violations = kind(schema, registry=EMPTY_REGISTRY).iter_errors  # with a registry: nothing is fetched

    def validated(arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            lines = [_line(violation, hide_values) for violation in violations(arguments)]
        except Unresolvable as error:
            raise InvalidTool(tool, f"args_schema refers to {error.ref!r}, which is not in it: put it in") from None
        if lines:
            raise ValidationError.from_exception_data(tool, lines)
        return arguments

    return validated


def _line(violation: Violation, hide_value: bool) -> InitErrorDetails:
    rule, message, value = str(violation.validator), violation.message, violation.instance
    if hide_value:
        value = MASK
        if rule not in _TELLS_NO_VALUE:
            message = f"Does not satisfy {rule!r}: {violation.validator_value!r}"
    return {"type": custom(rule, message), "loc": tuple(violation.absolute_path), "input": value}
