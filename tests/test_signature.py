"""Facts of a callable: its kind, its parameters, what its annotations mean."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from inspect import Parameter
from typing import Annotated, Any

import pytest

from toolrun._signature import Kind, Signature, kind_of


def function(a: int, b: str = "x") -> str: ...


async def coroutine() -> None: ...


def generator() -> Iterator[int]:
    yield 1


async def async_generator() -> AsyncIterator[int]:
    yield 1


class Methods:
    async def method(self, a: int) -> None: ...

    async def __call__(self, a: int) -> None: ...


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (function, Kind.FUNCTION),
        (coroutine, Kind.COROUTINE),
        (generator, Kind.GENERATOR),
        (async_generator, Kind.ASYNC_GENERATOR),
        (functools.partial(coroutine), Kind.COROUTINE),
        (functools.partial(functools.partial(generator)), Kind.GENERATOR),
        (Methods().method, Kind.COROUTINE),
        (Methods(), Kind.COROUTINE),
        (Methods, Kind.FUNCTION),
        (len, Kind.FUNCTION),
    ],
)
def test_the_kind_is_seen_through_partials_methods_and_objects(given: Callable[..., Any], kind: Kind) -> None:
    assert kind_of(given) is kind


def test_only_coroutines_and_async_generators_are_async() -> None:
    assert [kind for kind in Kind if kind.is_async] == [Kind.COROUTINE, Kind.ASYNC_GENERATOR]


def test_annotations_that_are_strings_are_resolved() -> None:
    assert Signature(function).annotation("a") is int


def with_unknown(a: Missing, b: Annotated[int, "told"], c) -> None: ...  # type: ignore # noqa: F821


def test_an_annotation_that_cannot_be_resolved_does_not_hide_the_others() -> None:
    signature = Signature(with_unknown)
    assert signature.annotation("a") == "Missing"
    assert signature.annotation("b") == Annotated[int, "told"]
    assert signature.annotation("c") is Parameter.empty


class Made:
    a: str

    def __init__(self, a: int) -> None: ...


class Allocated:
    def __new__(cls, a: int) -> Allocated:
        return super().__new__(cls)


class Meta(type):
    def __call__(cls, a: int) -> Any: ...


class FromMeta(metaclass=Meta):
    def __init__(self, a: str) -> None: ...


class Called:
    def __call__(self, a: int) -> None: ...


class Wrapping:
    def __init__(self, wrapped: Callable[..., Any]) -> None:
        functools.update_wrapper(self, wrapped)

    def __call__(self, a: str) -> None: ...


@pytest.mark.parametrize(
    "given",
    [
        function,
        functools.partial(function, b="y"),
        Made,
        Allocated,
        FromMeta,
        Called(),
        Called().__call__,
        Wrapping(function),
    ],
)
def test_annotations_are_those_of_whoever_declares_the_parameters(given: Callable[..., Any]) -> None:
    signature = Signature(given)
    assert next(iter(signature.parameters)) == "a"
    assert signature.annotation("a") is int


def test_parameters_bound_by_a_partial_are_gone() -> None:
    assert list(Signature(functools.partial(function, 1)).parameters) == ["b"]


def test_a_callable_that_does_not_tell_its_parameters_is_unknown() -> None:
    signature = Signature(max)
    assert not signature.known
    assert not signature.parameters
    assert Signature(coroutine).known


def test_the_return_annotation_is_resolved_like_those_of_parameters() -> None:
    assert Signature(function).returns is str
    assert Signature(functools.partial(function, 1)).returns is str
    assert Signature(lambda a: a).returns is Parameter.empty
    assert Signature(dict).returns is Parameter.empty
