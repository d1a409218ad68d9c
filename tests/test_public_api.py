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
import toolrun.tools.formats
import toolrun.tracers

PUBLIC = {
    toolrun: """
        AsyncCallbackHandler AsyncCallbackManager BaseCallbackHandler BaseTool Cache CallRequest CallResult
        CallbackManager CannotReplay InvalidPolicy Recorder ReplayDiverged Retry SessionLost StructuredTool Tool
        ToolDenied ToolException ToolMessage ToolRunner ToolTimeout ToolrunError WorkerCrashed current_run flush
        open_store replaying statistics tool watchdog
    """,
    toolrun.callbacks: """
        AsyncCallbackHandler AsyncCallbackManager AsyncCallbackManagerForChainGroup AsyncCallbackManagerForChainRun
        AsyncCallbackManagerForLLMRun AsyncCallbackManagerForRetrieverRun AsyncCallbackManagerForToolRun
        AsyncParentRunManager AsyncRunManager BaseCallbackHandler BaseCallbackManager BaseRunManager CallbackManager
        CallbackManagerForChainGroup CallbackManagerForChainRun CallbackManagerForLLMRun
        CallbackManagerForRetrieverRun CallbackManagerForToolRun CallbackManagerMixin Callbacks ChainManagerMixin
        FileCallbackHandler LLMManagerMixin ParentRunManager RetrieverManagerMixin RunManager RunManagerMixin
        StdOutCallbackHandler StreamingStdOutCallbackHandler ToolManagerMixin UsageMetadataCallbackHandler
        adispatch_custom_event atrace_as_chain_group current_run dispatch_custom_event flush flush_sync
        get_usage_metadata_callback register_configure_hook trace_as_chain_group
    """,
    toolrun.tools: """
        ArgsSchema BaseTool BaseToolkit DirectlyInjectedToolArg FILTERED_ARGS InjectedToolArg InjectedToolCallId
        RunConfig SchemaAnnotationError Secret StructuredTool Tool ToolCall ToolException ToolMessage ToolOutputMixin
        ToolsRenderer convert_runnable_to_tool create_schema_from_function render_text_description
        render_text_description_and_args tool
    """,
    toolrun.tools.formats: "FORMATS CallRequest Format MalformedCall Message describe_tools loads read_calls",
    toolrun.tracers: """
        AsyncBaseTracer AsyncRootListenersTracer BaseTracer ConsoleCallbackHandler FunctionCallbackHandler
        RootListenersTracer Run RunCollectorCallbackHandler TracerException collect_runs
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
def test_every_public_name_is_there(module: object) -> None:
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_the_names_of_the_package_are_listed_but_not_yet_imported() -> None:
    code = "import sys, toolrun; assert 'tool' in dir(toolrun); sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'tol'"):
        toolrun.tol
