"""Tools whose arguments a JSON schema describes."""

from __future__ import annotations

from typing import Any

import pytest

from toolrun.tools import StructuredTool
from toolrun.tools.exceptions import InvalidTool


def described(schema: dict[str, Any]) -> StructuredTool:
    return StructuredTool(
        name="send",
        description="Send it.",
        args_schema={"type": "object", "properties": {"to": schema}, "$defs": {"name": {"type": "string"}}},
        func=lambda to: to,
    )


def test_a_part_of_a_schema_may_refer_to_another(driver: Any) -> None:
    assert driver.invoke(described({"$ref": "#/$defs/name"}), {"to": "ann"}) == "ann"


@pytest.mark.parametrize("reference", ["http://127.0.0.1:9/name.json", "file:///etc/hostname", "#/$defs/nobody"])
def test_what_is_not_in_the_schema_is_not_fetched(driver: Any, reference: str) -> None:
    with pytest.raises(InvalidTool, match=r"args_schema refers to '.*', which is not in it"):
        driver.invoke(described({"$ref": reference}), {"to": "ann"})
