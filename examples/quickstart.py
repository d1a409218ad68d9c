import asyncio
import time
from typing import Any

from toolrun import AsyncCallbackHandler, ToolRunner, tool


@tool
def search(query: str) -> list[str]:
    """Search the archive, which blocks while it searches."""
    time.sleep(0.2)
    return [f"{query} in 1998", f"{query} in 2004"]


@tool
async def weather(city: str, days: int = 1) -> dict[str, Any]:
    """Forecast the weather."""
    await asyncio.sleep(0.1)
    return {"city": city, "days": days, "sky": "clear"}


class Watch(AsyncCallbackHandler):
    async def on_tool_start(self, serialized: Any, input_str: str, *, tool_call_id: str, **kwargs: Any) -> None:
        print(f"{tool_call_id} starts  {serialized['name']}({input_str})")

    async def on_tool_end(self, output: Any, *, tool_call_id: str, **kwargs: Any) -> None:
        print(f"{tool_call_id} ends    {output.content}")

    async def on_tool_error(self, error: BaseException, *, tool_call_id: str, **kwargs: Any) -> None:
        print(f"{tool_call_id} fails   {type(error).__name__}")


message = {  # what a model answered; OpenAI's form here, Anthropic's, Gemini's or MCP's would do as well
    "role": "assistant",
    "tool_calls": [
        {"id": "c1", "function": {"name": "search", "arguments": '{"query": "eclipse"}'}},
        {"id": "c2", "function": {"name": "weather", "arguments": '{"city": "Lyon"}'}},
        {"id": "c3", "function": {"name": "weather", "arguments": '{"city": "Lyon", "days": "many"}'}},
        {"id": "c4", "function": {"name": "whether", "arguments": '{"city": "Lyon"}'}},
    ],
}


async def main() -> None:
    runner = ToolRunner([search, weather], callbacks=[Watch()])
    for result in await runner.arun_all([message]):
        print(result.id, result.status, result.output or result.error["message"])


asyncio.run(main())
