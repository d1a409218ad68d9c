"""What a client is told of our tools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from mcp import Client
from mcp_types import TextContent, Tool
from pydantic import BaseModel, Field
from tests.conftest import AsyncDriver
from typing_extensions import TypedDict

from toolrun import ToolMessage, tool
from toolrun.interop.mcp import mcp_server
from toolrun.tools import InjectedToolArg
from toolrun.tools.exceptions import InvalidTool


class Place(BaseModel):
    city: str
    zip: int = Field(0, alias="zipCode")


@dataclass
class Point:
    x: int


class Entry(TypedDict):
    name: str


def text() -> str: ...
def nothing() -> None: ...
def unsaid(): ...  # type: ignore[no-untyped-def]
def anything() -> Any: ...
def content() -> list[TextContent]: ...
def message() -> ToolMessage: ...
def place() -> Place: ...
def point() -> Point: ...
def entry() -> Entry: ...
def mapping() -> dict[str, int]: ...
def number() -> int: ...
def places() -> list[Place]: ...
def maybe() -> str | None: ...


def listed(driver: AsyncDriver, tools: Any, revision: str = "legacy") -> dict[str, Tool]:
    """The tools by name, as a client sees them."""

    async def ask() -> dict[str, Tool]:
        async with Client(mcp_server(tools), mode=revision) as client:
            return {tool.name: tool for tool in (await client.list_tools()).tools}

    found: dict[str, Tool] = driver.run(ask())
    return found


def test_a_tool_is_listed_with_description_and_arguments(async_driver: AsyncDriver, revision: str) -> None:
    @tool
    def send(parcel: str, speed: Annotated[int, "in km/h"] = 3, secret: Annotated[str, InjectedToolArg] = "") -> str:
        """Send a parcel."""
        return parcel

    entry = listed(async_driver, [send], revision)["send"]
    assert entry.description == "Send a parcel."
    assert entry.input_schema["required"] == ["parcel"]
    assert list(entry.input_schema["properties"]) == ["parcel", "speed"]
    assert (entry.annotations, entry.output_schema) == (None, None)


@pytest.mark.parametrize("function", [text, nothing, unsaid, anything, content, message])
def test_a_tool_that_returns_text_or_content_or_says_nothing_has_no_output_schema(
    function: Any, async_driver: AsyncDriver
) -> None:
    assert listed(async_driver, [function])[function.__name__].output_schema is None


@pytest.mark.parametrize(
    ("function", "properties"), [(place, {"city", "zipCode"}), (point, {"x"}), (entry, {"name"}), (mapping, set())]
)
def test_a_tool_that_returns_an_object_declares_it(
    function: Any, properties: set[str], async_driver: AsyncDriver
) -> None:
    schema = listed(async_driver, [function])[function.__name__].output_schema
    assert schema is not None
    assert schema["type"] == "object"
    assert schema.get("properties", {}).keys() == properties


@pytest.mark.parametrize("function", [number, places, maybe])
def test_what_is_no_object_is_declared_inside_one(function: Any, async_driver: AsyncDriver) -> None:
    schema = listed(async_driver, [function])[function.__name__].output_schema
    assert schema is not None
    assert (schema["type"], schema["required"], schema["properties"].keys()) == ("object", ["result"], {"result"})


def test_a_json_schema_of_arguments_goes_out_as_it_is(async_driver: AsyncDriver) -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {"address": {"type": "object"}},
        "properties": {"address": {"$ref": "#/$defs/address"}},
        "additionalProperties": False,
    }

    @tool(args_schema=schema)
    def send(address: Any) -> str:
        """Send."""
        return "sent"

    assert listed(async_driver, [send])["send"].input_schema == schema


def test_what_only_mcp_knows_of_a_tool_comes_from_its_extras(async_driver: AsyncDriver) -> None:
    said = {"title": "Send it", "annotations": {"destructiveHint": True}, "_meta": {"team": "post"}}

    @tool(extras={"mcp": said}, idempotent=False)
    def send() -> str:
        """Send."""
        return "sent"

    entry = listed(async_driver, [send])["send"]
    assert (entry.title, entry.meta) == ("Send it", {"team": "post"})
    assert entry.annotations is not None
    assert (entry.annotations.destructive_hint, entry.annotations.idempotent_hint) == (True, False)


def test_extras_that_are_none_are_refused_when_the_server_is_made() -> None:
    @tool(extras={"mcp": {"annotations": {"readOnlyHint": "perhaps"}}})
    def send() -> str:
        """Send."""
        return "sent"

    with pytest.raises(InvalidTool, match=r"send.*annotations\.readOnlyHint"):
        mcp_server([send])
