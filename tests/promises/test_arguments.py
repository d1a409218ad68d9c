"""Injected arguments work with every kind of schema, and no argument name is reserved."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel

CALL = {"type": "tool_call", "id": "call-1", "name": "note", "args": {"text": "hello"}}


class Note(BaseModel):
    """The arguments that the model sees."""

    text: str


SCHEMAS = [None, Note, {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}]


@pytest.mark.defect(18)
@pytest.mark.parametrize("schema", SCHEMAS, ids=["inferred", "pydantic", "JSON schema"])
def test_the_tool_call_id_is_injected_with_every_kind_of_schema(lib: Any, driver: Any, schema: Any) -> None:
    def note(text: str, origin: Any) -> str:
        """Takes a note."""
        return f"{text} from {origin}"

    async def async_note(text: str, origin: Any) -> str:
        """Takes a note."""
        return f"{text} from {origin}"

    body = async_note if driver.is_async else note
    body.__annotations__ = {"text": str, "origin": Annotated[str, lib.InjectedToolCallId], "return": str}
    tool = lib.tool("note", **({"args_schema": schema} if schema else {}))(body)

    assert driver.invoke(tool, CALL).content == "hello from call-1"


@pytest.mark.defect(18)
def test_a_json_schema_is_validated_too(lib: Any, driver: Any) -> None:
    @lib.tool("note", args_schema=SCHEMAS[2])
    def note(text: str) -> str:
        """Takes a note."""
        return text

    with pytest.raises(Exception, match="text"):
        driver.invoke(note, {"text": 7})


@pytest.mark.defect(20)
@pytest.mark.parametrize("name", ["config", "callbacks", "run_manager"])
def test_an_argument_may_have_any_name(lib: Any, driver: Any, name: str) -> None:
    recorder = lib.recorder()
    spaces: dict[str, Any] = {}
    exec(f"def shout({name}: str) -> str:\n    'Says it loud.'\n    return {name}.upper()", spaces)

    assert driver.invoke(lib.tool(spaces["shout"]), {name: "prod"}, {"callbacks": [recorder]}) == "PROD"
    assert recorder.of("on_tool_start")[0].kwargs["inputs"] == {name: "prod"}
