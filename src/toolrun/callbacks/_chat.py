"""The fall-back of `on_chat_model_start`: handlers that only know completion models get text instead."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

Heard = Callable[..., Any]

_ROLES = {"human": "Human", "ai": "AI", "system": "System", "tool": "Tool", "function": "Function"}


def as_prompt(messages: list[Any]) -> str:
    """One chat as text, a line a message: `Human: hello`."""
    return "\n".join(f"{_role(message)}: {_text(message)}" for message in messages)


def _role(message: Any) -> str:
    kind = getattr(message, "type", "message")
    return str(getattr(message, "role", None) or _ROLES.get(kind, kind))


def _text(message: Any) -> str:
    text = getattr(message, "text", None)
    return str(text() if callable(text) and not isinstance(text, str) else text or getattr(message, "content", message))


def _as_prompts(args: tuple[Any, ...]) -> tuple[Any, ...]:
    serialized, batches, *rest = args
    return (serialized, [as_prompt(messages) for messages in batches], *rest)


def start_function(on_chat: Heard | None, on_llm: Heard | None) -> Heard | None:
    """What is called for `on_chat_model_start`: the handler's own method, `on_llm_start` where it has none."""
    if on_llm is None:
        return on_chat
    if inspect.iscoroutinefunction(on_chat or on_llm):
        return _async_start(on_chat, on_llm)

    def start(handler: Any, *args: Any, **kwargs: Any) -> Any:
        if on_chat is not None:
            try:
                return on_chat(handler, *args, **kwargs)
            except NotImplementedError:
                pass
        return on_llm(handler, *_as_prompts(args), **kwargs)

    return start


def _async_start(on_chat: Heard | None, on_llm: Heard) -> Heard:
    async def start(handler: Any, *args: Any, **kwargs: Any) -> Any:
        if on_chat is not None:
            try:
                return await on_chat(handler, *args, **kwargs)
            except NotImplementedError:
                pass
        heard = on_llm(handler, *_as_prompts(args), **kwargs)
        return await heard if inspect.isawaitable(heard) else heard

    return start
