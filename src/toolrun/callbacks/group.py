"""Groups: several runs under one chain run, though no chain runs them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Generic, Self, TypeVar
from uuid import UUID

from toolrun.callbacks.manager import AsyncCallbackManager, BaseCallbackManager, CallbackManager, Callbacks
from toolrun.callbacks.run_manager import (
    AsyncCallbackManagerForChainRun,
    Awaited,
    BaseRunManager,
    CallbackManagerForChainRun,
)

Run = TypeVar("Run", bound=BaseRunManager[Any])
Sent = TypeVar("Sent")


class _ChainGroup(BaseCallbackManager, Generic[Run, Sent]):
    """What the managers of groups share: runs opened by them are children of the group's run."""

    __slots__ = ("ended", "parent_run_manager")

    parent_run_manager: Run
    ended: bool

    def __init__(
        self,
        handlers: Sequence[Any],
        inheritable_handlers: Sequence[Any] | None = None,
        parent_run_id: UUID | None = None,
        *,
        parent_run_manager: Run,
        **kwargs: Any,
    ) -> None:
        super().__init__(handlers, inheritable_handlers, parent_run_id, **kwargs)
        self.parent_run_manager, self.ended = parent_run_manager, False

    @classmethod
    def _around(cls, run: Run) -> Self:
        """The group manager of an open run."""
        group = cls.of(run.child_scope())
        group.parent_run_manager, group.ended = run, False
        return group

    def copy(self) -> Self:
        """A manager of the same group that can be changed without changing this one."""
        return self._with(super().copy())

    def merge(self, other: BaseCallbackManager) -> Self:
        """Both together; the group stays this one's."""
        return self._with(super().merge(other))

    def _with(self, group: Self) -> Self:
        group.parent_run_manager, group.ended = self.parent_run_manager, self.ended
        return group

    def on_chain_end(self, outputs: Any, **kwargs: Any) -> Sent:
        """End the group's run by hand, with its outputs."""
        self.ended = True
        sent: Sent = self.parent_run_manager.on_chain_end(outputs, **kwargs)  # type: ignore[attr-defined]
        return sent

    def on_chain_error(self, error: BaseException, **kwargs: Any) -> Sent:
        """End the group's run by hand, with an exception."""
        self.ended = True
        sent: Sent = self.parent_run_manager.on_chain_error(error, **kwargs)  # type: ignore[attr-defined]
        return sent


class CallbackManagerForChainGroup(_ChainGroup[CallbackManagerForChainRun, None], CallbackManager):
    """The manager of a group."""

    __slots__ = ()


class AsyncCallbackManagerForChainGroup(_ChainGroup[AsyncCallbackManagerForChainRun, Awaited], AsyncCallbackManager):
    """The async manager of a group."""

    __slots__ = ()


@contextmanager
def trace_as_chain_group(
    group_name: str,
    callback_manager: Callbacks = None,
    *,
    inputs: dict[str, Any] | None = None,
    run_id: UUID | None = None,
    tags: list[str] | None = None,
    metadata: dict[str, Any] | None = None,
    **_langsmith: Any,
) -> Generator[CallbackManagerForChainGroup, None, None]:
    """Open a chain run around a block; pass the manager it gives as `callbacks` to what belongs into the group.

    The run ends with the block, by `on_chain_error` if that raises anything, unless the block ended it by hand.
    Keywords for LangSmith (`project_name`, `example_id`, ...) are ignored.
    """
    manager = CallbackManager.configure(callback_manager, inheritable_tags=tags, inheritable_metadata=metadata)
    run = manager.on_chain_start({"name": group_name}, inputs or {}, run_id=run_id, name=group_name)
    try:
        yield CallbackManagerForChainGroup._around(run)
    except BaseException as error:
        run.on_chain_error(error)
        raise
    run.on_chain_end({})


@asynccontextmanager
async def atrace_as_chain_group(
    group_name: str,
    callback_manager: Callbacks = None,
    *,
    inputs: dict[str, Any] | None = None,
    run_id: UUID | None = None,
    tags: list[str] | None = None,
    metadata: dict[str, Any] | None = None,
    **_langsmith: Any,
) -> AsyncGenerator[AsyncCallbackManagerForChainGroup, None]:
    """The async twin of `trace_as_chain_group`."""
    manager = AsyncCallbackManager.configure(callback_manager, inheritable_tags=tags, inheritable_metadata=metadata)
    run = await manager.on_chain_start({"name": group_name}, inputs or {}, run_id=run_id, name=group_name)
    try:
        yield AsyncCallbackManagerForChainGroup._around(run)
    except GeneratorExit as error:
        run.close("on_chain_error", error)
        raise
    except BaseException as error:
        await run.on_chain_error(error)
        raise
    await run.on_chain_end({})
