"""From the arguments that were passed to those that the body gets, and to those that handlers may see.

A `Binder` is compiled once per tool. Arguments are validated by the tool's `args_schema`: a pydantic model (lax: "3"
will do for an int; nested models arrive as models), a JSON schema, or nothing. Names fall into these groups:

    fields       what the schema knows
    injected     what the caller passes beside the model's arguments; reaches the body unchanged
    outside      injected, but unknown to the schema, and so kept away from validation
    call ids     receive the id of the tool call
    hidden       what handlers never see: injected, and what toolrun fills in
    secret       what handlers see masked
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from inspect import Parameter
from itertools import chain
from typing import Any

from pydantic import AliasChoices, AliasPath
from pydantic.fields import FieldInfo
from pydantic_core import SchemaValidator, ValidationError

from toolrun._signature import Signature
from toolrun.tools._injection import fillers, injected_names, tool_call_id_names
from toolrun.tools._invalid import clearer
from toolrun.tools._schema import ArgsSchema, InferredArgs
from toolrun.tools._snapshot import snapshot, text_of
from toolrun.tools.exceptions import MissingToolCallId, StringInputRefused
from toolrun.tools.injected import MASK, InjectedToolArg, InjectedToolCallId, Secret, has_marker, is_injected, is_secret

Arguments = dict[str, Any]
Bound = tuple[tuple[Any, ...], Arguments]
"""Positional and keyword arguments of the body."""


class Binder:
    """Validates and completes the arguments of one tool."""

    def __init__(self, tool: str, schema: ArgsSchema | None, signatures: Sequence[Signature]) -> None:
        """`signatures` are those of the tool's function and of its coroutine, as far as it has them."""
        fields = _fields(schema)
        self.tool = tool
        self.schema = schema
        self.fields = tuple(fields)
        self.injected = _all(map(injected_names, signatures))
        self.outside = self.injected - fields.keys() if schema is not None else frozenset[str]()
        self.call_ids = _all(map(tool_call_id_names, signatures)) | _marked(fields, InjectedToolCallId)
        self.hidden = _with_aliases(self.injected | _marked(fields, InjectedToolArg), fields) | _all(
            map(fillers, signatures)
        )
        self.secret = _with_aliases(_secret(fields, signatures), fields)
        self.first_field = next((name for name in fields if name not in self.hidden), None)
        self.renamed: Mapping[str, str] = getattr(schema, "__parameters_of_fields__", {})
        self.spread = _spread(fields, signatures[0])
        self.validated = self._validator(schema)
        self.bind: Callable[[str | Arguments, str | None], Bound]
        self.bind = self._bind_model if self._is_plain() else self._bind
        if self._is_plain() and (validator := _validator_of_fields(schema)) is not None:
            self.validate, self.bind = validator.validate_python, self._bind_fields

    def _validator(self, schema: ArgsSchema | None) -> Callable[[Arguments], Arguments]:
        if schema is None:
            return lambda arguments: arguments
        if isinstance(schema, dict):
            from toolrun.tools._json_schema import validator

            return validator(self.tool, schema, hide_values=bool(self.secret))
        if not schema.__pydantic_complete__:
            schema.model_rebuild()
        self.validate = schema.__pydantic_validator__.validate_python
        return self._validated_by_model

    def _is_plain(self) -> bool:
        """Whether the arguments are those of a model and nothing else: by far the most tools, and the fast road."""
        return (
            isinstance(self.schema, type)
            and self.schema.model_config.get("extra") != "allow"
            and not (self.injected or self.call_ids or self.spread or self.renamed)
        )

    def _bind_fields(self, given: str | Arguments, tool_call_id: str | None) -> Bound:
        if isinstance(given, str):
            given = self._as_arguments(given)
        try:
            return (), self.validate(given)[0]
        except ValidationError as error:
            raise clearer(error, self.fields, self.secret) from None

    def _bind_model(self, given: str | Arguments, tool_call_id: str | None) -> Bound:
        if isinstance(given, str):
            given = self._as_arguments(given)
        try:
            return (), self.validate(given).__dict__
        except ValidationError as error:
            raise clearer(error, self.fields, self.secret) from None

    def _bind(self, given: str | Arguments, tool_call_id: str | None) -> Bound:
        if isinstance(given, str):
            if self.schema is None:
                return (given,), {}
            given = self._as_arguments(given)
        arguments = {**given}
        self._put_call_id(arguments, tool_call_id)
        outside = {name: arguments.pop(name) for name in self.outside if name in arguments}
        injected = {name: arguments[name] for name in self.injected if name in arguments}
        bound = {**self.validated(arguments), **injected, **outside}
        return self.spread(bound) if self.spread else ((), bound)

    def _as_arguments(self, given: str) -> Arguments:
        if isinstance(self.schema, dict):
            raise StringInputRefused(self.tool)
        return {} if self.first_field is None else {_input_name(self.schema, self.first_field): given}

    def _put_call_id(self, arguments: Arguments, tool_call_id: str | None) -> None:
        for name in self.call_ids:
            if tool_call_id is not None:
                arguments[name] = tool_call_id
            elif name not in arguments:
                raise MissingToolCallId(self.tool, name)

    def _validated_by_model(self, arguments: Arguments) -> Arguments:
        try:
            model = self.validate(arguments)
        except ValidationError as error:
            raise clearer(error, self.fields, self.secret) from None
        values = {**model.__dict__, **(model.__pydantic_extra__ or {})}
        for field, parameter in self.renamed.items():
            values[parameter] = values.pop(field)
        return values

    def masked(self, args: tuple[Any, ...], kwargs: Arguments) -> Arguments:
        """Validated arguments by name, for somebody who is to approve them: without secrets."""
        positional = dict(zip(self.fields or ("tool_input",), args, strict=False))
        return {k: MASK if k in self.secret else v for k, v in {**positional, **kwargs}.items()}

    def shown(self, given: str | Arguments) -> tuple[str, Arguments | None]:
        """What handlers get as `input_str` and `inputs`."""
        if isinstance(given, str):
            return (MASK if self.first_field in self.secret else given), None
        if self.hidden or self.secret:
            given = {k: MASK if k in self.secret else v for k, v in given.items() if k not in self.hidden}
        inputs = snapshot(given)
        return text_of(inputs), inputs


def _validator_of_fields(model: Any) -> SchemaValidator | None:
    """Validates as the model does, and makes no instance of it, which nobody would see and which takes half the time.

    Only for models that are made from signatures: what is written by hand may do more. None where it is not the same.
    """
    if not issubclass(model, InferredArgs) or type(model.__pydantic_validator__) is not SchemaValidator:
        return None
    core: Any = model.__pydantic_core_schema__
    is_plain = core["type"] == "model" and core["schema"]["type"] == "model-fields" and "post_init" not in core
    return SchemaValidator(core["schema"], core.get("config")) if is_plain else None


Fields = Mapping[str, "FieldInfo | None"]


def _fields(schema: ArgsSchema | None) -> Fields:
    """The fields by the name of the parameter that they fill; nothing is known of those of a JSON schema."""
    if schema is None:
        return {}
    if isinstance(schema, dict):
        return dict.fromkeys(schema.get("properties", ()))
    renamed: Mapping[str, str] = getattr(schema, "__parameters_of_fields__", {})
    return {renamed.get(name, name): field for name, field in schema.model_fields.items()}


def _marked(fields: Fields, marker: type) -> frozenset[str]:
    return frozenset(name for name, field in fields.items() if field and _has(field, marker))


def _has(field: FieldInfo, marker: type) -> bool:
    return has_marker(field.metadata, marker) or (marker is InjectedToolArg and is_injected(field.annotation))


def _all(names: Iterable[Iterable[str]]) -> frozenset[str]:
    return frozenset(chain.from_iterable(names))


def _secret(fields: Fields, signatures: Sequence[Signature]) -> frozenset[str]:
    by_field = (name for name, field in fields.items() if field and _is_secret(field))
    by_parameter = (name for one in signatures for name in one.parameters if is_secret(one.annotation(name)))
    return frozenset((*by_field, *by_parameter))


def _is_secret(field: FieldInfo) -> bool:
    return has_marker(field.metadata, Secret) or is_secret(field.annotation)


def _with_aliases(names: Collection[str], fields: Fields) -> frozenset[str]:
    """The names, and all others under which their values may come in."""
    aliases = (alias for name in names if (field := fields.get(name)) for alias in _aliases(field.validation_alias))
    return frozenset((*names, *aliases))


def _aliases(alias: str | AliasPath | AliasChoices | None) -> Iterator[str]:
    if isinstance(alias, AliasChoices):
        for choice in alias.choices:
            yield from _aliases(choice)
    elif isinstance(alias, AliasPath):
        yield str(alias.path[0])
    elif alias is not None:
        yield alias


def _input_name(schema: ArgsSchema | None, field: str) -> str:
    """The name by which the model wants the field."""
    known = schema.model_fields.get(field) if isinstance(schema, type) else None
    return next(_aliases(known.validation_alias), field) if known else field


def _spread(fields: Fields, signature: Signature) -> Callable[[Arguments], Bound] | None:
    """How to call a function that takes some of its arguments not by keyword; None for all others."""
    kinds = {name: parameter.kind for name, parameter in signature.parameters.items()}
    only = [name for name, kind in kinds.items() if kind is Parameter.POSITIONAL_ONLY]
    also = [name for name, kind in kinds.items() if kind is Parameter.POSITIONAL_OR_KEYWORD]
    rest = next((n for n, kind in kinds.items() if kind is Parameter.VAR_POSITIONAL and n in fields), None)
    keywords = next((n for n, kind in kinds.items() if kind is Parameter.VAR_KEYWORD and n in fields), None)
    if not (only or rest or keywords):
        return None

    def spread(bound: Arguments) -> Bound:
        more = bound.pop(rest, ()) if rest else ()
        named = bound.pop(keywords, {}) if keywords else {}
        leading = [bound.pop(name) for name in (only + also if more else only) if name in bound]
        return (*leading, *more), {**bound, **named}

    return spread
