"""The model of a tool's arguments, from a function's signature, and the part of it that a language model is told of."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Collection, Sequence
from copy import copy
from inspect import Parameter
from types import GenericAlias
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo
from pydantic.json_schema import PydanticJsonSchemaWarning
from pydantic_core import PydanticUndefined

from toolrun._signature import Signature
from toolrun.tools._docstring import Documentation, parsed_docstring, whole_docstring
from toolrun.tools._injection import FILTERED_ARGS, fillers
from toolrun.tools.exceptions import InvalidTool, UnresolvedAnnotation
from toolrun.tools.injected import is_injected

ArgsSchema = type[BaseModel] | dict[str, Any]
"""A class of models, or a JSON schema."""


class InferredArgs(BaseModel):
    """The base of models made from signatures: unknown arguments are refused, unless the function takes `**kwargs`."""

    model_config = ConfigDict(
        defer_build=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        protected_namespaces=(),
        json_schema_extra=lambda schema: schema.pop("additionalProperties", None) and None,
    )
    __parameters_of_fields__: ClassVar[dict[str, str]] = {}
    """Parameters whose name no field of a model can have, by the name of their field."""


def create_schema_from_function(
    model_name: str,
    func: Callable[..., Any],
    *,
    filter_args: Sequence[str] | None = None,
    parse_docstring: bool = False,
    error_on_invalid_docstring: bool = False,
    include_injected: bool = True,
) -> type[BaseModel]:
    """Make a model of the arguments that a function takes.

    Left out are parameters that toolrun fills in itself, `filter_args`, and, unless `include_injected`, those
    that the caller injects. The description is the docstring; with `parse_docstring`, it and those of the fields
    are taken from the docstring's parts. Descriptions in `Annotated` count where the docstring has none.
    """
    signature = Signature(func)
    if not signature.known:
        raise InvalidTool(model_name, "its parameters cannot be found out. Pass args_schema.")
    left_out = {*(filter_args or ()), *fillers(signature), *_own_self(signature)}
    parameters = [
        parameter
        for name, parameter in signature.parameters.items()
        if name not in left_out and (include_injected or not is_injected(signature.annotation(name)))
    ]
    documented = _documentation(func, signature, parameters, parse_docstring, error_on_invalid_docstring)
    return _model(model_name, signature, parameters, documented)


def _own_self(signature: Signature) -> list[str]:
    """`self` or `cls` of a function that was taken out of its class."""
    first = next(iter(signature.parameters), None)
    around = getattr(signature.function, "__qualname__", "").rpartition(".")[0]
    in_class = around and not around.endswith("<locals>")
    return [first] if in_class and first in ("self", "cls") else []


def is_unbound_method(function: Any) -> bool:
    """Whether the function is a method without an instance, as it is inside the body of its class."""
    return inspect.isfunction(function) and "." in function.__qualname__ and bool(_own_self(Signature(function)))


def _documentation(
    func: Callable[..., Any], signature: Signature, parameters: list[Parameter], parse: bool, strict: bool
) -> Documentation:
    if not parse:
        return whole_docstring(func)
    wanted = [p.name for p in parameters if p.name not in FILTERED_ARGS]
    return parsed_docstring(func, signature.parameters, wanted, strict=strict)


def _model(name: str, signature: Signature, parameters: list[Parameter], documented: Documentation) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    renamed: dict[str, str] = {}
    for parameter in parameters:
        field_name = _field_name(parameter.name, signature.parameters)
        annotation = _annotation(signature, parameter.name)
        extras: dict[str, Any] = {}
        if text := documented.parameters.get(parameter.name) or _annotated_text(annotation):
            extras["description"] = text
        if field_name != parameter.name:
            renamed[field_name] = extras["alias"] = parameter.name
        fields[field_name] = _field(parameter, annotation, extras)
    open_ended = any(p.kind is Parameter.VAR_KEYWORD for p in parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a field may well be called like a method of BaseModel, such as `copy`
        model = create_model(
            name,
            __base__=InferredArgs,
            __doc__=documented.description,
            __module__=getattr(signature.function, "__module__", None) or __name__,
            __cls_kwargs__={"defer_build": False, "extra": "allow" if open_ended else "forbid"},
            **fields,
        )
    model.__parameters_of_fields__ = renamed
    return model


def _field_name(parameter: str, taken: Collection[str]) -> str:
    """The parameter's name, or, where pydantic does not take it, one like it."""
    if not parameter.startswith("_") and parameter != "model_config":
        return parameter
    name = (parameter.strip("_") or "field") + "_"
    while name in taken:
        name += "_"
    return name


def _annotation(signature: Signature, name: str) -> Any:
    annotation = signature.annotation(name)
    if isinstance(annotation, str):
        function = getattr(signature.function, "__qualname__", repr(signature.function))
        raise UnresolvedAnnotation(function, name, annotation)
    return Any if annotation is Parameter.empty else annotation


def _field(parameter: Parameter, annotation: Any, extras: dict[str, Any]) -> tuple[Any, Any]:
    if parameter.kind is Parameter.VAR_POSITIONAL:
        return GenericAlias(list, (annotation,)), Field(default_factory=list, **extras)
    if parameter.kind is Parameter.VAR_KEYWORD:
        return GenericAlias(dict, (str, annotation)), Field(default_factory=dict, **extras)
    if isinstance(parameter.default, FieldInfo):
        return (Annotated[annotation, Field(**extras)] if extras else annotation), parameter.default
    default = PydanticUndefined if parameter.default is Parameter.empty else parameter.default
    return annotation, Field(default=default, **extras)


def _annotated_text(annotation: Any) -> str | None:
    """The description in `Annotated[..., "text"]`. That in `Annotated[..., Field(...)]` pydantic finds itself."""
    return next((item for item in getattr(annotation, "__metadata__", ()) if isinstance(item, str)), None)


class _CallSchema(BaseModel):
    """The base of models for language models: their JSON schema is made once, for agents ask for it at every step."""

    model_config = ConfigDict(defer_build=True, arbitrary_types_allowed=True, protected_namespaces=())
    __schema_made__: ClassVar[dict[str, Any] | None] = None

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if args or kwargs:
            return super().model_json_schema(*args, **kwargs)
        if cls.__schema_made__ is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", PydanticJsonSchemaWarning)  # a default may be no JSON: it is left out
                cls.__schema_made__ = super().model_json_schema()
        return cls.__schema_made__


def call_schema(name: str, description: str, model: type[BaseModel], hidden: Collection[str]) -> type[BaseModel]:
    """The model without its hidden fields, under the tool's own name and description."""
    if not model.__pydantic_complete__:
        model.model_rebuild()
    fields: dict[str, Any] = {n: (f.annotation, copy(f)) for n, f in model.model_fields.items() if n not in hidden}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return create_model(
            name, __base__=_CallSchema, __doc__=inspect.cleandoc(description or model.__doc__ or ""), **fields
        )
