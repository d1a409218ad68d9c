"""The tools of BFCL's multi-turn entries, made from its own classes by a factory for `toolrun run`.

As a module, this is the methods of one MathAPI, which keep no state.
"""

import json
from copy import deepcopy
from importlib import import_module
from pathlib import Path

from bfcl_eval.constants.executable_backend_config import CLASS_FILE_PATH_MAPPING

from toolrun.runner import public_methods

_ENTRIES = {entry["id"]: entry for entry in map(json.loads, Path(__file__).with_name("entries.jsonl").open())}


def _instance(class_name, entry):
    instance = getattr(import_module(CLASS_FILE_PATH_MAPPING[class_name]), class_name)()
    if hasattr(instance, "_load_scenario"):
        state = entry["initial_config"].get(class_name, {})
        instance._load_scenario(deepcopy(state), long_context=entry["long_context"])
    return instance


def session(entry_id):
    """The public methods of an entry's instances, in the entry's initial state."""
    entry = _ENTRIES[entry_id]
    methods = {}
    for class_name in entry["involved_classes"]:
        methods |= public_methods(_instance(class_name, entry))
    return methods


_MATH = public_methods(_instance("MathAPI", {}))
__all__ = list(_MATH)
globals().update(_MATH)
