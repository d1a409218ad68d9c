"""How a worker gets a body: by reference where it can import it, else by value.

By reference: a module, the file it came from, and the attributes that lead to the function. A decorated function is not
what its module has under its name, so the way goes on over the attributes that decorators use: `module.add.func`.
The worker imports the module, or executes its file where the parent did so.

By value (cloudpickle): what the program itself defines (`__main__`), closures, lambdas, methods of instances. The
worker gets a copy as it is at its first call there.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from functools import lru_cache, reduce
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from itertools import count
from types import MethodType, ModuleType
from typing import Any, NamedTuple

from toolrun.execution.body import Body
from toolrun.execution.processes._frames import LOAD, frame
from toolrun.execution.processes._pickling import dump_value, load_value, send_by_value

_WRAPPERS = ("func", "coroutine", "__wrapped__")
"""Where tools and decorators keep the function that they stand for."""

_numbers = count(1)


class Shipment:
    """A body, packed for all workers: a number, and the frame that tells what it stands for."""

    __slots__ = ("frame", "number")

    def __init__(self, function: Callable[..., Any] | Reference) -> None:
        self.number = next(_numbers)
        self.frame = frame(LOAD, self.number.to_bytes(8, "little") + dump_value(function))


latest: deque[Shipment] = deque(maxlen=8)
"""Those that new workers may get ahead of any call: to import a module takes time."""


def shipment_of(body: Body) -> Shipment:
    """The body's shipment, made at its first call; bodies of one importable function share one."""
    shipment: Shipment | None = body.shipment
    if shipment is None:
        function = packed(body.function)
        make = _shipment_by_reference if isinstance(function, Reference) else Shipment
        shipment = body.shipment = make(function)
    return shipment


@lru_cache(maxsize=1024)
def _shipment_by_reference(reference: Reference) -> Shipment:
    shipment = Shipment(reference)
    latest.append(shipment)
    return shipment


class Reference(NamedTuple):
    """A function by the way to it."""

    module: str
    file: str | None
    attributes: str

    def resolve(self) -> Any:
        """The function, in the process that this runs in."""
        return reduce(getattr, self.attributes.split("."), imported(self.module, self.file))


def packed(function: Callable[..., Any]) -> Any:
    """The function, or a reference to it."""
    if isinstance(function, MethodType):
        return function
    module = sys.modules.get(getattr(function, "__module__", None) or "__main__")
    if module is None or module.__name__ == "__main__":
        return function
    if module.__spec__ is None:  # it was executed, as a program is, not imported
        send_by_value(module)
        return function
    name = getattr(function, "__qualname__", "<locals>")
    attributes = None if "<locals>" in name else _way_to(function, module, name)
    return function if attributes is None else Reference(module.__name__, _file_of(module), attributes)


def unpacked(payload: bytes) -> tuple[int, Callable[[], Body]]:
    """The number that a LOAD frame brought, and how to get the body that it stands for."""
    return int.from_bytes(payload[:8], "little"), lambda: _body(payload[8:])


def _body(payload: bytes) -> Body:
    function = load_value(payload)
    return Body(function.resolve() if isinstance(function, Reference) else function)


def _way_to(function: Any, module: Any, name: str) -> str | None:
    try:
        found = reduce(getattr, name.split("."), module)
    except AttributeError:
        return None
    for _ in range(10):  # decorators on decorators
        if found is function:
            return name
        inner = next((each for each in _WRAPPERS if callable(getattr(found, each, None))), None)
        if inner is None:
            return None
        found, name = getattr(found, inner), f"{name}.{inner}"
    return None


def _file_of(module: ModuleType) -> str | None:
    return getattr(module, "__file__", None)


def imported(name: str, file: str | None) -> ModuleType:
    """The module, imported; from its file, if its name does not lead there."""
    if name in sys.modules:
        return sys.modules[name]
    if file is None or _found_by_name(name) == file:
        return import_module(name)
    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"no module named {name!r}, and {file} is no Python file", name=name)
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _found_by_name(name: str) -> str | None:
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return None
    return None if spec is None else spec.origin
