"""Classes of LangChain count as ours of that name, though nothing of LangChain is imported."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from toolrun import ToolException, tool
from toolrun.tools import InjectedToolArg
from toolrun.tools._same_names import means

NAMES = {"__module__": "langchain_core.tools.base"}
TheirInjected = type("InjectedToolArg", (), NAMES)
TheirDirectlyInjected = type("_DirectlyInjectedToolArg", (), NAMES)
TheirException = type("ToolException", (Exception,), NAMES)
TheirConfig = type("RunnableConfig", (dict,), {"__module__": "langchain_core.runnables.config"})


class Runtime(TheirDirectlyInjected):  # type: ignore[misc,valid-type]
    pass


def test_a_class_of_that_name_from_elsewhere_means_nothing() -> None:
    assert means(TheirInjected, InjectedToolArg)
    assert not means(type("InjectedToolArg", (), {"__module__": "mine"}), InjectedToolArg)


def test_their_injected_arguments_are_injected() -> None:
    def who(q: str, user: Any, runtime: Any) -> str:
        """Who."""
        return f"{q} {user} {type(runtime).__name__}"

    who.__annotations__ = {"q": str, "user": Annotated[str, TheirInjected], "runtime": Runtime}
    ours = tool(who)
    assert set(ours.args) == {"q"}
    assert ours.invoke({"q": "?", "user": "ann", "runtime": Runtime()}) == "? ann Runtime"


def test_their_config_is_the_config() -> None:
    def configured(config: Any) -> Any:
        """Say."""
        return config["configurable"]

    configured.__annotations__ = {"config": TheirConfig}
    assert tool(configured).invoke({}, {"configurable": {"user": "ann"}}) == {"user": "ann"}


@pytest.mark.parametrize("kind", [TheirException, ToolException])
def test_their_exception_for_the_model_is_answered(kind: Any) -> None:
    @tool(handle_tool_error=True)
    def refuses() -> str:
        """Refuse."""
        raise kind("no")

    assert refuses.invoke({}) == "no"
