"""A tool on a server, as a tool of ours."""

from __future__ import annotations

from typing import Any

from mcp_types import CallToolResult, Tool

from toolrun.callbacks import current_run
from toolrun.interop.mcp.client._connection import LOOP
from toolrun.interop.mcp.client._link import Link
from toolrun.interop.mcp.client._mail import Mail
from toolrun.interop.mcp.client._mending import UNUSABLE
from toolrun.interop.mcp.client._result import value_of
from toolrun.interop.mcp.errors import UnusableSchema
from toolrun.tools import BaseTool, StructuredTool
from toolrun.tools._json_schema import check_schema
from toolrun.tools.exceptions import InvalidTool

_ANYTHING = {"type": "object"}


def remote_tool(link: Link, declared: Tool, prefix: str = "") -> BaseTool:
    """The tool; one whose schema is none is there too, and says so when it is called."""
    problem = (declared.meta or {}).get(UNUSABLE) or _problem_of("inputSchema", declared.input_schema)
    problem = problem or _problem_of("outputSchema", declared.output_schema)
    if problem is None:
        return _tool(link, declared, prefix, declared.input_schema, _Remote(link, declared.name))
    return _tool(link, declared, prefix, _ANYTHING, _Refusal(link.name, declared.name, problem))


def _problem_of(place: str, schema: dict[str, Any] | None) -> str | None:
    """What is wrong with a schema, if anything is."""
    if schema is None:
        return None
    if outside := _outside(schema):
        return f"{place}: {outside}"
    try:
        check_schema(place, schema)
    except InvalidTool as error:
        return f"{place}: {error.__cause__}".splitlines()[0]
    return None


def _tool(link: Link, declared: Tool, prefix: str, schema: dict[str, Any], body: Any) -> BaseTool:
    annotations = declared.annotations
    spelt = declared.model_dump(by_alias=True, mode="json", exclude_none=True, exclude={"name", "description"})
    del spelt["inputSchema"]
    return StructuredTool(
        name=prefix + declared.name,
        description=declared.description or declared.title or f"Calls {declared.name}.",
        args_schema=schema,
        coroutine=body,
        response_format="content_and_artifact",
        extras={"mcp": spelt},
        idempotent=annotations is None or annotations.idempotent_hint is not False,
    )


class _Remote:
    """Calls the tool. The artifact is the server's whole result."""

    def __init__(self, link: Link, name: str) -> None:
        self._link, self._name = link, name

    async def __call__(self, /, **arguments: Any) -> tuple[Any, CallToolResult]:
        mail = Mail()
        answer = LOOP.submit(self._link.call(self._name, arguments, mail.put))
        result = await mail.until(answer, _tell)
        return value_of(self._link.name, self._name, result), result


class _Refusal:
    """Stands for a tool that cannot be called."""

    def __init__(self, server: str, name: str, problem: str) -> None:
        self._facts = server, name, problem

    async def __call__(self, /, **arguments: Any) -> Any:
        raise UnusableSchema(*self._facts)


async def _tell(progress: float, total: float | None, message: str | None) -> None:
    run: Any = current_run()
    if run is not None:
        await run.on_tool_progress(progress, total, message)


def _outside(schema: Any) -> str | None:
    """What in the schema would be fetched from elsewhere when arguments are checked; servers must not send us there."""
    if isinstance(schema, list):
        return next(filter(None, map(_outside, schema)), None)
    if not isinstance(schema, dict):
        return None
    for key in ("$ref", "$dynamicRef"):
        if isinstance(target := schema.get(key), str) and not target.startswith("#"):
            return f"{key} leads outside, to {target!r}"
    return next(filter(None, map(_outside, schema.values())), None)
