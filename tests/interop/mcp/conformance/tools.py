"""The tools that the official conformance suite asks a server for, as its scenarios describe them."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from mcp.shared.message import ServerMessageMetadata
from mcp_types import (
    AudioContent,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    EmbeddedResource,
    ImageContent,
    SamplingMessage,
    TextContent,
    TextResourceContents,
)

from toolrun import ToolException, current_run, tool
from toolrun.interop.mcp import current_request

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
SILENCE = base64.b64encode(
    b"RIFF$\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0@\x1f\0\0@\x1f\0\0\x01\0\x08\0data\0\0\0\0"
).decode()


@tool
def test_simple_text() -> str:
    """Answer with a text."""
    return "This is a simple text response for testing."


@tool
def test_image_content() -> ImageContent:
    """Answer with an image."""
    return ImageContent(data=PIXEL, mime_type="image/png")


@tool
def test_audio_content() -> AudioContent:
    """Answer with a sound."""
    return AudioContent(data=SILENCE, mime_type="audio/wav")


def resource(uri: str, mime_type: str, text: str) -> EmbeddedResource:
    return EmbeddedResource(resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


@tool
def test_embedded_resource() -> EmbeddedResource:
    """Answer with a resource."""
    return resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")


@tool
def test_multiple_content_types() -> Any:
    """Answer with a text, an image and a resource."""
    return [
        "Multiple content types test:",
        ImageContent(data=PIXEL, mime_type="image/png"),
        resource("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ]


@tool
async def test_tool_with_logging() -> str:
    """Say what it does, meanwhile."""
    run: Any = current_run()
    for said in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await run.on_text(said)
        await asyncio.sleep(0.05)
    return "logged"


@tool
def test_error_handling() -> str:
    """Fail."""
    raise ToolException("This tool intentionally returns an error for testing")


@tool
async def test_tool_with_progress() -> str:
    """Tell how far it is."""
    run: Any = current_run()
    for progress in (0, 50, 100):
        await run.on_tool_progress(progress, 100)
        await asyncio.sleep(0.05)
    return "done"


@tool
async def test_sampling(prompt: str) -> str:
    """Ask the client's model."""
    request: Any = current_request()
    said = SamplingMessage(role="user", content=TextContent(text=prompt))
    answer = await request.session.send_request(
        CreateMessageRequest(params=CreateMessageRequestParams(messages=[said], max_tokens=100)),
        CreateMessageResult,
        metadata=ServerMessageMetadata(related_request_id=request.request_id),
    )
    return f"LLM response: {answer.content.text}"


async def ask(message: str, properties: dict[str, Any], required: tuple[str, ...] = ()) -> str:
    request: Any = current_request()
    schema = {"type": "object", "properties": properties, "required": list(required)}
    answer = await request.session.elicit_form(message, schema, related_request_id=request.request_id)
    return f"action={answer.action}, content={answer.content}"


@tool
async def test_elicitation(message: str) -> str:
    """Ask the client's user."""
    text = {"type": "string", "description": "User's response"}
    email = {"type": "string", "description": "User's email address"}
    return f"User response: {await ask(message, {'username': text, 'email': email}, ('username', 'email'))}"


@tool
async def test_elicitation_sep1034_defaults() -> str:
    """Ask with defaults."""
    properties = {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    }
    return f"Elicitation completed: {await ask('Who are you?', properties)}"


@tool
async def test_elicitation_sep1330_enums() -> str:
    """Ask for one of some, in all the ways there are."""
    options = ["option1", "option2", "option3"]
    titled = [{"const": f"value{i}", "title": f"{nth} Option"} for i, nth in enumerate(("First", "Second", "Third"), 1)]
    legacy = {"enum": ["opt1", "opt2", "opt3"], "enumNames": ["Option One", "Option Two", "Option Three"]}
    properties = {
        "untitledSingle": {"type": "string", "enum": options},
        "titledSingle": {"type": "string", "oneOf": titled},
        "legacyEnum": {"type": "string", **legacy},
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": options}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled}},
    }
    return f"Elicitation completed: {await ask('Which?', properties)}"


SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {"type": "object", "properties": {"street": {"type": "string"}, "city": {"type": "string"}}},
    },
    "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"}},
    "additionalProperties": False,
}


@tool(args_schema=SCHEMA)
def json_schema_2020_12_tool(name: str = "", address: Any = None) -> str:
    """Tool with JSON Schema 2020-12 features"""
    return f"{name}: {address}"


@tool
async def test_reconnection() -> str:
    """Close the stream, and answer on the one with which the client comes back."""
    request: Any = current_request()
    if request.close_sse_stream is not None:
        await request.close_sse_stream()
    await asyncio.sleep(0.1)
    return "Reconnection test completed successfully"
