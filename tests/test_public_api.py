"""The names that users import are a promise: adding or removing one is a decision, made here."""

from __future__ import annotations

import subprocess
import sys

import pytest

import toolrun
import toolrun.callbacks
import toolrun.runner
import toolrun.testing
import toolrun.tools

PUBLIC = {
    toolrun: """
        AsyncCallbackHandler AsyncCallbackManager BaseCallbackHandler BaseTool CallRequest CallResult CallbackManager
        StructuredTool Tool ToolException ToolMessage ToolRunner ToolrunError current_run flush tool
    """,
    toolrun.runner: """
        CallRequest CallResult InvalidArguments MalformedCall NotATool SessionFailed ToolRunner UnknownTool
        public_methods
    """,
    toolrun.testing: """
        AsyncRecordingHandler FakeTool RecordedEvent RecordingHandler
    """,
}


@pytest.mark.parametrize("module", PUBLIC, ids=lambda module: module.__name__)
def test_public_names_are_these(module: object) -> None:
    assert sorted(module.__all__) == sorted(PUBLIC[module].split())


@pytest.mark.parametrize("module", PUBLIC, ids=lambda module: module.__name__)
def test_every_public_name_is_there_and_documented(module: object) -> None:
    for name in module.__all__:
        assert getattr(module, name).__doc__


def test_the_names_of_the_package_are_listed_but_not_yet_imported() -> None:
    code = "import sys, toolrun; assert 'tool' in dir(toolrun); sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'tol'"):
        toolrun.tol
